//! `mailtop config sudoers SERVER`: the sudo rules that the server's jobs need, for `/etc/sudoers.d`; and with `--check`, which
//! of them are lacking there now. Exit 0 none, 1 some, 3 usage or what could not be known, 4 cannot be checked.

use std::process::ExitCode;

use crate::config::Server;
use crate::config::targets::TargetOptions;
use crate::domain::action::Rights;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Name, Text};
use crate::engine::look;
use crate::jobs::rights::{self, There};
use crate::reach::Runner;

use super::cli::Global;
use super::{session, start};

/// Some rule is lacking.
const LACKING: u8 = 1;
/// It cannot be told.
const NOT_CHECKED: u8 = 4;

/// `config sudoers`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The server, by its name in the config.
    #[arg(value_name = "SERVER")]
    pub server: String,
    /// The login that the rules are for; the one that mailtop gets there when not given.
    #[arg(long, value_name = "LOGIN", conflicts_with = "check")]
    pub user: Option<String>,
    /// Print no rules: ask sudo there which of them are lacking. Runs nothing.
    #[arg(long)]
    pub check: bool,
}

/// Runs it.
pub fn run(args: &Args, global: &Global) -> ExitCode {
    let config = match start::config(&[], &TargetOptions::default(), global) {
        Ok(found) => found.config,
        Err(code) => return code,
    };
    let Some(server) = config.servers.iter().find(|s| *s.name == *args.server) else {
        let known: Vec<&str> = config.servers.iter().map(|s| s.name.as_str()).collect();
        let asked = Text::from(&*args.server);
        return start::fail(&format!("no server {asked}; there are: {}", known.join(", ")));
    };
    if let Some((user, why)) = args.user.as_deref().and_then(|u| Some((u, rights::bad_login(u)?))) {
        return start::fail(&format!("--user {}: it {why}", Text::from(user)));
    }
    let paths = match start::paths(global) {
        Ok(paths) => paths,
        Err(code) => return code,
    };
    let runtime = match start::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let code = runtime.block_on(async {
        let runner = look::runner(server, &config.defaults, &session::control_dir(Some(&paths)));
        let code = match (args.check, &runner) {
            (false, runner) => print(args, server, runner.as_ref()).await,
            (true, Some(runner)) => check(server, runner).await,
            (true, None) => {
                let name = &server.name;
                crate::commands::say(&format!(
                    "mailtop: commands do not get to {name}: it has no `reach` in the config"
                ));
                NOT_CHECKED.into()
            }
        };
        if let Some(runner) = runner {
            runner.close().await;
        }
        code
    });
    runtime.shutdown_background();
    code
}

/// Prints the text for `/etc/sudoers.d`.
async fn print(args: &Args, server: &Server, runner: Option<&Runner>) -> ExitCode {
    let asked = match runner {
        Some(runner) => rights::there(&server.jobs, args.user.as_deref(), runner, server.timeout).await,
        None => Err(Missed::new(
            Miss::Unreachable,
            &*server.name,
            "it has no `reach` in the config",
        )),
    };
    let why = asked.as_ref().err().map(|missed| Text::from(missed.to_string()));
    let host = asked.unwrap_or_else(|_| There::usual());
    if let Some(sudo) = host.sudo.as_ref().filter(|s| !s.has_expressions) {
        return start::fail(&format!(
            "the sudo on {} is `{}`, which knows no regular expressions (1.9.10 does): rules for it would allow more than is \
             meant, so none are printed",
            server.name, sudo.word
        ));
    }
    if host.is_root && args.user.is_none() {
        crate::commands::say(&format!(
            "mailtop: the login on {} is root, which needs no rules; say --user LOGIN for another",
            server.name
        ));
        return ExitCode::SUCCESS;
    }
    if server.jobs.iter().all(|spec| rights::rules(spec, &host).is_nothing()) {
        crate::commands::say(&format!("mailtop: no job on {} needs sudo", server.name));
        return ExitCode::SUCCESS;
    }
    let login = args
        .user
        .clone()
        .or_else(|| host.login.as_ref().map(ToString::to_string));
    let Some(login) = login else {
        let why = why.unwrap_or_default();
        return start::fail(&format!(
            "the login on {} is not known ({why}): say --user LOGIN",
            server.name
        ));
    };
    if let Some(why) = rights::bad_login(&login) {
        return start::fail(&format!(
            "the login {} there {why}: say --user LOGIN",
            Text::from(login)
        ));
    }
    let text = rights::fragment(
        &server.name,
        &login,
        &server.jobs,
        &host,
        why.as_ref().map_or(Ok(()), Err),
    );
    super::print(|out| out.extend_from_slice(text.as_bytes()))
}

/// Says which verb of which job lacks which rule.
async fn check(server: &Server, runner: &Runner) -> ExitCode {
    let mut code = 0;
    let mut said = String::new();
    for spec in &server.jobs {
        match rights::rights(spec, runner).await {
            Ok(found) => {
                let lacks = lines(&spec.name, &found);
                if !lacks.is_empty() && code == 0 {
                    code = LACKING;
                }
                said.push_str(&lacks);
            }
            Err(missed) => {
                crate::commands::say(&format!("mailtop: {}: {missed}", spec.name));
                code = NOT_CHECKED;
            }
        }
    }
    if code == 0 {
        said = format!("nothing is lacking on {}\n", server.name);
    }
    super::write_out(said.as_bytes());
    code.into()
}

/// A line for each verb and rule.
fn lines(job: &Name, found: &Rights) -> String {
    let line = |l: &crate::domain::action::Lack| format!("{job}: {} lacks {}\n", l.verb, l.rule);
    found.lacks.iter().map(line).collect()
}
