//! Commands that are almost the allowed ones, and what is allowed, said once more and in another way than by expressions.

const ARM: [&str; 4] = [
    "--on-active=30s",
    "--timer-property=AccuracySec=1s",
    "--unit=mailtop-resume:unit.mail-db-compact.service:a1",
    "systemctl",
];
const THAW: [&str; 3] = ["/usr/bin/systemctl", "thaw", "mail-db-compact.service"];

/// What must not get through.
pub fn attempts(has_text: bool) -> Vec<Vec<&'static str>> {
    let mut all: Vec<Vec<&str>> = [
        "-n systemctl stop ssh",
        "-n systemctl stop ssh.service",
        "-n systemctl freeze other.service",
        "-n systemctl freeze mail-db-compact.service other.service",
        "-n systemctl freeze other.service mail-db-compact.service",
        "-n systemctl --now freeze mail-db-compact.service",
        "-n systemctl freeze --host=evil mail-db-compact.service",
        "-n systemctl freeze mail-db-compact.service --root=/tmp",
        "-n systemctl freeze mail-db-compact",
        "-n systemctl freeze mail-db-compactXservice",
        "-n systemctl freeze mail-db-*",
        "-n systemctl freeze *",
        "-n systemctl stop mail-db-compact.service",
        "-n systemctl restart mail-db-compact.service",
        "-n systemctl edit mail-db-compact.service",
        "-n systemctl kill mail-db-compact.service",
        "-n systemctl set-property mail-db-compact.service ExecStart=/bin/sh",
        "-n systemctl mask mail-db-compact.timer",
        "-n systemctl daemon-reload",
        "-n systemctl",
        "-n systemctl start reindex.service",
        "-n systemctl start --no-block reindex.service other.service",
        "-n systemctl stop reindex.service reindex.timer",
        "-n systemctl stop mailtop-resume:unit.other.service:a1.timer",
        "-n systemctl stop mailtop-resume:unit.mail-db-compact.service:*.timer",
        "-n systemctl stop mailtop-resume:unit.mail-db-compact.service:a1.timer ssh.service",
        "-n systemctl stop ssh.service mailtop-resume:unit.mail-db-compact.service:a1.timer",
        "-n systemctl stop mailtop-resume:unit.mail-db-compact.service:a1.service",
        "-n systemctl stop mailtop-resume:unit.mail-db-compact.service:../../x.timer",
        "-n systemd-run",
        "-n systemd-run id",
        "-n systemd-run --pipe sh",
        "-n -u postgres sh",
        "-n -u postgres psql -c x",
        "-n -u ops systemctl freeze mail-db-compact.service",
        "-n -u daemon systemctl freeze mail-db-compact.service",
        "-n -g shadow systemctl freeze mail-db-compact.service",
        "-n -s systemctl freeze mail-db-compact.service",
        "-n -i systemctl freeze mail-db-compact.service",
        "-n -E systemctl freeze mail-db-compact.service",
        "-n -D /tmp systemctl freeze mail-db-compact.service",
        "-n -R /tmp systemctl freeze mail-db-compact.service",
        "-n -C 5 systemctl freeze mail-db-compact.service",
        "-n -e /etc/sudoers",
        "-n -s",
        "-n -i",
        "-n LD_PRELOAD=/tmp/x.so systemctl freeze mail-db-compact.service",
        "-n PATH=/home/ops/bin systemctl freeze mail-db-compact.service",
        "-n SYSTEMD_PAGER=sh systemctl freeze mail-db-compact.service",
        "-n DBUS_SYSTEM_BUS_ADDRESS=unix:path=/tmp/x systemctl freeze mail-db-compact.service",
        "-n /home/ops/bin/systemctl freeze mail-db-compact.service",
        "-n ./bin/systemctl freeze mail-db-compact.service",
        "-n bin/systemd-run -c id",
        "-n sh -c id",
        "-n id",
        "-n cat /etc/shadow",
        "-n systemctl --help",
        "-H -n systemctl freeze other.service",
    ]
    .iter()
    .map(|line| line.split(' ').collect())
    .collect();
    let freeze = ["-n", "systemctl", "freeze"];
    for odd in [
        "mail-db-compact.service ",
        " mail-db-compact.service",
        "mail-db-compact.service\n",
        "mail-db-compact.service\nother.service",
        "mail-db-compact.service\tother.service",
        "mail-db-compact.service\u{a0}other.service",
        "",
    ] {
        all.push(freeze.into_iter().chain([odd]).collect());
    }
    // With a description where one belongs, so that it is not for the lack of one that these are refused.
    let arm = |front: &[&'static str], words: &[&'static str], command: &[&'static str]| -> Vec<&'static str> {
        let text =
            (has_text && !words.iter().any(|w| w.starts_with("--description"))).then_some("--description=mailtop:a:b");
        // Nor for the lack of this one.
        let kill = |w: &'static str| {
            let more = (w == ARM[1]).then_some("--property=KillMode=process");
            std::iter::once(w).chain(more)
        };
        let words = front.iter().chain(words).copied().flat_map(kill).chain(text);
        ["-n", "systemd-run"]
            .into_iter()
            .chain(words)
            .chain(command.iter().copied())
            .collect()
    };
    let [after, accuracy, unit, _] = ARM;
    for command in [
        &["sh", "-c", "id"][..],
        &["/bin/sh", "-c", "id"],
        &["systemctl", "thaw", "other.service"],
        &["systemctl", "thaw", "mail-db-compact.service", "other.service"],
        &["systemctl", "stop", "ssh.service"],
        &["/home/ops/bin/systemctl", "thaw", "mail-db-compact.service"],
        &[],
    ] {
        all.push(arm(&[], &[after, accuracy, unit], command));
    }
    let thaw = &["systemctl", "thaw", "mail-db-compact.service"][..];
    for more in [
        "--uid=0",
        "--uid=1001",
        "--gid=0",
        "--pty",
        "--pipe",
        "--wait",
        "--shell",
        "--property=ExecStartPre=/bin/sh",
        "--setenv=PATH=/tmp",
        "--working-directory=/tmp",
        "--scope",
        "--slice=x",
        "--on-boot=1s",
        "--path-property=PathExists=/",
        "--host=x",
    ] {
        all.push(arm(&[more], &[after, accuracy, unit], thaw));
        all.push(arm(&[], &[after, accuracy, unit, more], thaw));
    }
    for description in [
        "--description=x /bin/sh -c id",
        "--description=a\nb",
        "--description=a\tb",
        "--description=",
        "--description=$(id)",
        "--description=%n",
        "--description=ü",
    ] {
        all.push(arm(&[], &[after, accuracy, unit, description], thaw));
    }
    for bad in [
        "--unit=mailtop-resume:unit.other.service:a1",
        "--unit=ssh",
        "--unit=mailtop-resume:unit.mail-db-compact.service:a1 x",
        "--unit=mailtop-resume:unit.mail-db-compact.service:a/../b",
        "--unit=mailtop-resume:unit.mail-db-compact.service:",
    ] {
        all.push(arm(&[], &[after, accuracy, bad], thaw));
    }
    for bad in [
        "--on-active=0s",
        "--on-active=",
        "--on-active=1h",
        "--on-calendar=*-*-*",
        "--on-active=1s 2s",
    ] {
        all.push(arm(&[], &[bad, accuracy, unit], thaw));
    }
    all.push(arm(&[], &[after, accuracy, unit], &THAW));
    all
}

/// The sample with a description, as a plan with a reason has one, where the command knows of one.
pub fn carrying_text(sample: &[String]) -> Vec<String> {
    let text = |w: &String| {
        if w.starts_with("--description=") {
            "--description=mailtop:ops=40here:drain_first,_it's=20due".replace('\'', "=27")
        } else {
            w.clone()
        }
    };
    sample.iter().map(text).collect()
}

/// Every vector that differs from this one only in where one or two arguments end: joined by spaces they are the same.
pub fn same_when_joined(words: &[String]) -> Vec<Vec<String>> {
    let joined = words.join(" ");
    let parts: Vec<&str> = joined.split(' ').collect();
    // Whether an argument ends after this part.
    let mut ends = vec![];
    for w in words {
        let n = w.split(' ').count();
        ends.extend((0..n).map(|i| i + 1 == n));
    }
    ends.pop();
    let build = |ends: &[bool]| {
        let mut out = vec![parts[0].to_owned()];
        for (end, part) in ends.iter().zip(&parts[1..]) {
            match out.last_mut() {
                Some(last) if !end => {
                    last.push(' ');
                    last.push_str(part);
                }
                _ => out.push((*part).to_owned()),
            }
        }
        out
    };
    let mut all = vec![];
    for i in 0..ends.len() {
        for j in i..ends.len() {
            let mut flipped = ends.clone();
            flipped[i] = !flipped[i];
            if j != i {
                flipped[j] = !flipped[j];
            }
            all.push(build(&flipped));
        }
    }
    all
}

/// What systemd would run is a part of the resume that is allowed, or no program at all.
pub fn assert_is_a_resume(shown: &str, vector: &[String]) {
    let argv = shown
        .split("argv[]=")
        .nth(1)
        .and_then(|a| a.split(" ; ").next())
        .unwrap_or_default();
    let units = [
        "mail-db-compact.service",
        "mail-db-compact.timer",
        "reindex.service",
        "reindex.timer",
        "odd\\x2dname@a.service",
    ];
    let fine = |w: &str| {
        units.contains(&w)
            || [
                "/usr/bin/systemctl",
                "systemctl",
                "thaw",
                "start",
                "--no-block",
                "sh",
                "/usr/bin/sh",
                "-c",
                "||",
                "&&",
                "true",
                "/usr/bin/true",
            ]
            .contains(&w)
    };
    assert!(!argv.is_empty() && argv.split(' ').all(fine), "{vector:?}: {shown}");
}

/// One random change: an argument more, less, another, two made one, one made longer; or a part of another command.
pub fn mutated(words: &[String], others: &[Vec<String>], dice: &mut fastrand::Rng) -> Vec<String> {
    const STRANGE: &[&str] = &[
        "",
        " ",
        "x",
        "-x",
        "--no-block",
        "--now",
        "--uid=0",
        "--root=/",
        "--property=User=root",
        "ssh.service",
        "other.service",
        "*",
        "?",
        ".",
        "\n",
        "\n--uid=0",
        "a b",
        "$(id)",
        ";",
        "&&",
        "sh",
        "-c",
        "id",
        "--",
        "=",
        "%n",
        "\\",
        "'",
        "\"",
        "ü",
        "\u{202e}",
        "--unit=x",
        "mailtop-resume:x:y.timer",
        "stop",
        "thaw",
        "freeze",
        "start",
        "0",
        "s",
        ".timer",
        "_",
        "/../",
    ];
    let mut out = words.to_vec();
    let strange = |dice: &mut fastrand::Rng| -> String {
        if dice.u8(..4) == 0 {
            let other = &others[dice.usize(..others.len())];
            other[dice.usize(..other.len())].clone()
        } else {
            STRANGE[dice.usize(..STRANGE.len())].to_owned()
        }
    };
    // Never the program itself: another one is another rule.
    for _ in 0..=dice.usize(..2) {
        if out.len() < 2 {
            break;
        }
        let at = dice.usize(1..out.len());
        match dice.u8(..7) {
            0 => out.insert(dice.usize(1..=out.len()), strange(dice)),
            1 => out[at] = strange(dice),
            2 => drop(out.remove(at)),
            3 if at + 1 < out.len() => {
                let next = out.remove(at + 1);
                out[at] = format!("{}{}{next}", out[at], [" ", "", "\n"][dice.usize(..3)]);
            }
            4 => {
                let more = strange(dice);
                out[at].push_str(&more);
            }
            5 => {
                let more = strange(dice);
                let chars: Vec<char> = out[at].chars().collect();
                let cut = dice.usize(..=chars.len());
                out[at] = chars[..cut]
                    .iter()
                    .chain(more.chars().collect::<Vec<_>>().iter())
                    .chain(&chars[cut..])
                    .collect();
            }
            _ => {
                let to = dice.usize(1..out.len());
                out.swap(at, to);
            }
        }
    }
    out
}

/// What the four jobs of the config need, and no more. Arguments are told apart by spaces, as sudo does.
pub fn is_allowed(words: &[String], uid: &str, has_text: bool, own: &str) -> bool {
    let program = words[0].as_str();
    let joined = words[1..].join(" ");
    if !joined.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        return false;
    }
    let parts: Vec<&str> = joined.split(' ').collect();
    let exact = [
        "freeze mail-db-compact.service",
        "thaw mail-db-compact.service",
        "stop mail-db-compact.timer",
        "start mail-db-compact.timer",
        "stop reindex.service",
        "stop reindex.timer",
        "stop reindex.timer reindex.service",
        "start --no-block reindex.service",
        "start --no-block reindex.timer",
        "start --no-block reindex.service reindex.timer",
        "freeze odd\\x2dname@a.service",
        "thaw odd\\x2dname@a.service",
    ];
    let keys = [
        ("mailtop-resume:unit.mail-db-compact.service:", "compact"),
        ("mailtop-resume:unit.reindex.service:", "reindex"),
        ("mailtop-resume:unit.odd_5cx2dname_40a.service:", "odd"),
        (own, "own"),
    ];
    let is_id = |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if program == "systemctl" {
        let of_key = |key: &str, w: &str| {
            w.strip_prefix(key)
                .and_then(|w| w.strip_suffix(".timer"))
                .is_some_and(is_id)
        };
        return exact.contains(&&*joined)
            || parts.split_first().is_some_and(|(stop, timers)| {
                *stop == "stop"
                    && !timers.is_empty()
                    && keys.iter().any(|(key, _)| timers.iter().all(|t| of_key(key, t)))
            });
    }
    let mut rest = parts.iter().copied().peekable();
    let digits = |d: &str| d.chars().all(|c| c.is_ascii_digit()) && d.starts_with(|c| ('1'..='9').contains(&c));
    let after = rest
        .next()
        .and_then(|w| w.strip_prefix("--on-active=")?.strip_suffix('s'));
    if !after.is_some_and(|a| digits(a.strip_suffix('m').unwrap_or(a)))
        || rest.next() != Some("--timer-property=AccuracySec=1s")
        || rest.next() != Some("--property=KillMode=process")
    {
        return false;
    }
    let as_login = rest.next_if(|w| *w == format!("--uid={uid}")).is_some();
    let unit = rest.next().and_then(|w| w.strip_prefix("--unit=")).unwrap_or_default();
    let Some((_, job)) = keys.iter().find(|(key, _)| unit.strip_prefix(key).is_some_and(is_id)) else {
        return false;
    };
    let is_text = |t: &str| {
        !t.is_empty()
            && t.chars()
                .all(|c| c.is_ascii_alphanumeric() || "!*+-/.,:@=_".contains(c))
    };
    let text = rest.next_if(|w| w.strip_prefix("--description=").is_some_and(is_text));
    if text.is_some() != has_text {
        return false;
    }
    let command = rest.collect::<Vec<_>>().join(" ");
    let two = "sh -c /usr/bin/systemctl thaw mail-db-compact.service || true && /usr/bin/systemctl start mail-db-compact.timer";
    match *job {
        "own" => as_login && command == "/bin/echo resumed table 3",
        "compact" => {
            !as_login
                && [
                    "systemctl thaw mail-db-compact.service",
                    "systemctl start mail-db-compact.timer",
                    two,
                ]
                .contains(&&*command)
        }
        "reindex" => {
            !as_login
                && [
                    "start --no-block reindex.service",
                    "start --no-block reindex.service reindex.timer",
                    "start reindex.timer",
                    "start --no-block reindex.timer",
                ]
                .iter()
                .any(|c| command == format!("systemctl {c}"))
        }
        _ => {
            // The backslash would be another in a unit file, so it goes in base64.
            let input = "/usr/bin/systemctl thaw 'odd\\x2dname@a.service' </dev/null\n";
            let data = openssl::base64::encode_block(input.as_bytes());
            !as_login && command == format!("--property=StandardInput=data --property=StandardInputData={data} sh")
        }
    }
}
