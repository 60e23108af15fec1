//! A frame of the demo as SVG, for the README: the real console on the real demo, drawn into memory at a moment of its
//! weekend.

use std::process::ExitCode;

use clap::Args;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::clock::Clock;
use crate::console::{App, AppOptions, Msg, Theme, record, view};
use crate::demo::Script;
use crate::domain::Span;
use crate::model::Model;

use super::demo::{self, DemoArgs};
use super::{print, start};

/// `record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Columns.
    #[arg(long, default_value_t = 100)]
    pub columns: u16,
    /// Lines.
    #[arg(long, default_value_t = 26)]
    pub lines: u16,
    /// The moment, counted from the beginning of the weekend (Saturday 10:00).
    #[arg(long, default_value = "32h36m", value_parser = Span::parse)]
    pub at: Span,
    /// Open the first server in place of the fleet.
    #[arg(long)]
    pub server: bool,
}

/// Runs it.
pub fn run(args: &RecordArgs) -> ExitCode {
    let runtime = match start::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let drawn = runtime.block_on(frame(args));
    runtime.shutdown_background();
    match drawn {
        Ok(svg) => print(|out| out.extend_from_slice(svg.as_bytes())),
        Err(code) => code,
    }
}

async fn frame(args: &RecordArgs) -> Result<String, ExitCode> {
    let script = Script::weekend();
    let clock = Clock::scaled(script.begins, DemoArgs::DEFAULT_SPEED);
    let mut stage = demo::Stage::set(script.clone(), clock.clone(), None).await?;
    let theme = Theme::DARK;
    let options = AppOptions {
        theme,
        me: Some(stage.session.me.clone()),
        ..AppOptions::new("weekend")
    };
    let mut app = App::new(options, Model::new(Some(stage.session.me.clone())));
    let moment = tokio::time::sleep(clock.real(args.at));
    tokio::pin!(moment);
    loop {
        tokio::select! {
            () = &mut moment => break,
            Some(events) = stage.session.events.recv() => {
                let _ = app.update(Msg::Events(events), clock.now());
            }
            Some(answer) = stage.session.engine.answers.recv() => {
                let _ = app.update(Msg::Answer(answer), clock.now());
            }
            else => break,
        }
    }
    let now = clock.now();
    if args.server {
        use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
        let _ = app.update(Msg::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)), now);
    }
    let area = Rect::new(0, 0, args.columns, args.lines);
    let _ = app.update(Msg::Resize(args.columns, args.lines), now);
    let mut buffer = Buffer::empty(area);
    view::draw(&mut buffer, area, &app, now);
    stage.strike().await;
    Ok(record::svg(&buffer, theme))
}
