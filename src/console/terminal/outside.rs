//! What goes to the terminal beside the frames: words for its clipboard (OSC 52), its bell, and desktop notifications (OSC 9,
//! OSC 777). Through tmux each as tmux takes it. Pure: bytes from words.
//!
//! A terminal does not answer OSC 52, so that it took the words is never claimed. hterm takes a sequence of at most 100,000
//! bytes, which leaves room for 74,994 bytes of words, and xterm's own limit is near; longer words go to a file.

use crate::domain::Text;
use crate::domain::incident::terms::Remind;

/// The most bytes of words that are handed to a clipboard.
pub const MOST: usize = 74_994;

/// How the terminal around us takes a clipboard sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// As it is.
    Plain,
    /// Wrapped, so that tmux passes it on.
    Wrapped,
    /// By a buffer of tmux, which hands it on to its own terminal.
    Buffer,
    /// Not at all, and why.
    None(&'static str),
}

/// What can be known of the terminal without asking anybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Around {
    /// tmux: it can be asked what it takes.
    Tmux,
    /// A terminal, or several, of which nothing speaks against it.
    Terminal,
    /// One that does not take such sequences, and why.
    Poor(&'static str),
}

/// What is around us, by the environment.
pub fn around(get: impl Fn(&str) -> Option<String>) -> Around {
    let set = |name: &str| get(name).filter(|v| !v.is_empty());
    let term = set("TERM").unwrap_or_default();
    if set("TMUX").is_some() {
        Around::Tmux
    } else if set("STY").is_some() {
        Around::Poor("GNU screen passes no clipboard on")
    } else if ["linux", "dumb", ""].contains(&term.as_str()) {
        Around::Poor("this terminal has no clipboard")
    } else {
        Around::Terminal
    }
}

/// How tmux takes it, from what it says of `set-clipboard` and `allow-passthrough`; each `None` when it knows no such option
/// (tmux before 3.3 passes everything on). With `external`, its default since 2.6, it sets its terminal's clipboard from its own
/// buffers and ignores what applications send (tmux(1)).
pub fn through_tmux(clipboard: Option<&str>, passthrough: Option<&str>) -> Way {
    let wrapped = passthrough.is_none_or(|p| p.starts_with("on") || p.starts_with("all"));
    match clipboard.map(str::trim) {
        Some("on") => Way::Plain,
        Some("external") => Way::Buffer,
        _ if wrapped => Way::Wrapped,
        _ => Way::None("tmux has set-clipboard off"),
    }
}

/// What is said once a sequence was sent. By its name the terminal may be a tmux or a screen that cannot be asked, at the other
/// end of ssh.
pub fn handed(get: impl Fn(&str) -> Option<String>) -> &'static str {
    let term = get("TERM").unwrap_or_default();
    if term.starts_with("tmux") || term.starts_with("screen") {
        "handed on (OSC 52; tmux takes it with set-clipboard on); Y writes a file"
    } else {
        "handed to the terminal's clipboard (OSC 52); Y writes a file in its place"
    }
}

/// The clipboard sequence (xterm control sequences, OSC 52): `c` is the clipboard.
pub fn clipboard(words: &str) -> Vec<u8> {
    [b"\x1b]52;c;", base64(words.as_bytes()).as_bytes(), b"\x07"].concat()
}

/// A sequence so that tmux passes it on: each ESC twice (tmux(1), allow-passthrough).
pub fn wrapped(sequence: &[u8]) -> Vec<u8> {
    let mut out = b"\x1bPtmux;".to_vec();
    for b in sequence {
        if *b == 0x1b {
            out.push(0x1b);
        }
        out.push(*b);
    }
    out.extend_from_slice(b"\x1b\\");
    out
}

/// The sequences that tell. A bell tmux handles itself; a notification it does not know and has to pass on.
pub fn reminder(how: &[Remind], words: &Text, around: Around) -> Vec<u8> {
    let mut out = Vec::new();
    // Semicolons part the fields of OSC 777; a digit first would be a command of ConEmu in OSC 9.
    let words = words.replace(';', ",");
    for way in how {
        let sequence = match way {
            Remind::Bell => {
                out.push(0x07);
                continue;
            }
            Remind::Osc9 => format!("\x1b]9;mailtop: {words}\x07"),
            Remind::Osc777 => format!("\x1b]777;notify;mailtop;{words}\x07"),
        };
        match around {
            Around::Tmux => out.extend(wrapped(sequence.as_bytes())),
            Around::Terminal => out.extend(sequence.as_bytes()),
            // The Linux console prints what it does not know.
            Around::Poor(_) => {}
        }
    }
    out
}

/// Base64 (RFC 4648 section 4), padded.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let n = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            if i <= chunk.len() {
                out.push(char::from(LETTERS[(n >> (18 - 6 * i)) as usize & 63]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_encoded_as_the_rfc_has_it() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
            ("日\u{202e}~?", "5pel4oCufj8="),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded, "{plain}");
        }
        assert_eq!(clipboard("foo"), b"\x1b]52;c;Zm9v\x07");
        assert!(clipboard(&"x".repeat(MOST)).len() <= 100_000);
    }

    #[test]
    fn tmux_gets_each_sequence_as_it_takes_it() {
        assert_eq!(wrapped(b"\x1b]9;a\x07"), b"\x1bPtmux;\x1b\x1b]9;a\x07\x1b\\");
        assert_eq!(through_tmux(Some("on\n"), Some("off")), Way::Plain);
        assert_eq!(through_tmux(Some("external"), Some("off")), Way::Buffer);
        assert_eq!(through_tmux(Some("off"), Some("on")), Way::Wrapped);
        assert_eq!(through_tmux(Some("off"), None), Way::Wrapped);
        assert!(matches!(through_tmux(Some("off"), Some("off")), Way::None(_)));
    }

    #[test]
    fn what_is_around_is_read_from_the_environment() {
        let env = |pairs: &'static [(&'static str, &'static str)]| {
            around(|name| pairs.iter().find(|(k, _)| *k == name).map(|(_, v)| (*v).to_owned()))
        };
        assert_eq!(env(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/t,1,0")]), Around::Tmux);
        assert_eq!(env(&[("TERM", "xterm-256color"), ("TMUX", "")]), Around::Terminal);
        assert!(matches!(env(&[("TERM", "linux")]), Around::Poor(_)));
        assert!(matches!(env(&[("TERM", "screen"), ("STY", "1.tty")]), Around::Poor(_)));
    }

    #[test]
    fn a_reminder_cannot_be_steered_by_its_words() {
        let words = Text::from("INC1; \u{1b}]0;x\u{7} due");
        let all = reminder(&[Remind::Bell, Remind::Osc9, Remind::Osc777], &words, Around::Terminal);
        let all = String::from_utf8(all).unwrap();
        assert_eq!(
            all,
            "\x07\x1b]9;mailtop: INC1, ␛]0,x␇ due\x07\x1b]777;notify;mailtop;INC1, ␛]0,x␇ due\x07"
        );
        let tmux = reminder(&[Remind::Osc9], &words, Around::Tmux);
        assert!(tmux.starts_with(b"\x1bPtmux;\x1b\x1b]9;mailtop") && tmux.ends_with(b"\x07\x1b\\"));
        let poor = reminder(&[Remind::Bell, Remind::Osc777], &words, Around::Poor("x"));
        assert_eq!(poor, [7]);
    }
}
