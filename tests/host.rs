//! A whole host over ssh: commands, jobs, and what happens when the network goes away.

mod lab;

use lab::host::boot_or_leave_out;
use mailtop::domain::Span;
use mailtop::domain::argv::Argv;
use mailtop::reach::RunLimits;

#[tokio::test]
async fn a_command_runs_over_ssh() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let r = host.runner();
    let l = RunLimits {
        timeout: Span::from_secs(20),
        max_output: 10_000,
    };
    eprintln!("{}", r.open(Span::from_secs(20)).await.unwrap());
    let out = r
        .run(
            &Argv::new(
                "sh",
                ["-c", "id; echo $PATH; echo $LC_ALL; systemctl is-system-running"],
            ),
            l,
        )
        .await
        .unwrap();
    eprintln!("{} {out:?}", r.shown(&Argv::new("a", ["b"])));
    eprintln!("{}", String::from_utf8_lossy(&out.stdout));
    eprintln!(
        "{}",
        host.sh("systemctl --failed; ps aux; postqueue -j; postqueue -p; ss -ltn; systemd-analyze")
    );
    r.close().await;
}
