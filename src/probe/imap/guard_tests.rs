use super::*;
use proptest::prelude::*;
use tokio::io::AsyncReadExt;

/// Everything that the guard hands on from these pieces, one response an entry, and what is left behind.
async fn passed(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Result<Vec<u8>, io::Error>) {
    let mut mock = Pieces::new(pieces);
    let mut guard = Guard::new(&mut mock);
    let mut all = Vec::new();
    let mut buf = vec![0; PHASE_BYTES * 2];
    loop {
        match guard.read(&mut buf).await {
            Ok(0) => return (all, Ok(guard.behind().to_vec())),
            Ok(n) => all.push(buf[..n].to_vec()),
            Err(e) => return (all, Err(e)),
        }
    }
}
/// A reader that gives one piece a read.
struct Pieces(std::collections::VecDeque<Vec<u8>>);
impl Pieces {
    fn new(pieces: &[&[u8]]) -> Self {
        Self(pieces.iter().map(|p| p.to_vec()).collect())
    }
}
impl AsyncRead for Pieces {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(mut piece) = self.0.pop_front() {
            let n = piece.len().min(buf.remaining());
            buf.put_slice(&piece[..n]);
            if n < piece.len() {
                self.0.push_front(piece.split_off(n));
            }
        }
        Poll::Ready(Ok(()))
    }
}
fn refused(e: &io::Error) -> &Refused {
    e.get_ref()
        .and_then(|e| e.downcast_ref())
        .expect("the guard's own error")
}

#[tokio::test]
async fn one_response_at_a_time_and_what_is_behind_it_stays_here() {
    let mut mock = Pieces::new(&[b"a1 OK go ahead\r\na1 OK slipped in\r\n* OK half"]);
    let mut guard = Guard::new(&mut mock);
    let mut buf = [0; 512];
    let n = guard.read(&mut buf).await.unwrap();
    assert_eq!(&buf[..n], b"a1 OK go ahead\r\n");
    assert_eq!(guard.behind(), b"a1 OK slipped in\r\n* OK half");
}

#[tokio::test]
async fn what_a_probe_does_not_need_is_not_handed_on() {
    let wire: &[u8] = b"* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* 0 RECENT\r\n* LIST () \"/\" x{3}\r\nabc\r\n* OK [UIDNEXT 4] next\r\na1 OK done {5}\r\n";
    let (all, behind) = passed(&[wire]).await;
    let want: [&[u8]; 3] = [b"* 3 EXISTS\r\n", b"* OK [UIDNEXT 4] next\r\n", b"a1 OK done {5}\r\n"];
    assert_eq!(all, want);
    assert_eq!(behind.unwrap(), b"");
}

#[tokio::test]
async fn an_envelope_with_a_literal_passes_whole_even_byte_by_byte() {
    let wire: &[u8] = b"* 1 FETCH (ENVELOPE (NIL {7}\r\na\r\n)(\"b NIL NIL NIL ((NIL NIL \"to\" \"x.test\")) NIL NIL NIL \"<1@x>\"))\r\n";
    let pieces: Vec<&[u8]> = wire.chunks(1).collect();
    let (all, _) = passed(&pieces).await;
    assert_eq!(all, [wire.to_vec()]);
}

#[tokio::test]
async fn an_endless_line_is_refused_at_the_bound() {
    let (_, end) = passed(&[b"* OK ", &vec![b'x'; PHASE_BYTES * 2]]).await;
    assert_eq!(refused(&end.unwrap_err()), &Refused::TooMuch);
}

#[tokio::test]
async fn another_protocol_is_refused_with_its_words() {
    for (wire, words) in [
        (&b"220 mx.test ESMTP Postfix\r\n"[..], "220 mx.test ESMTP Postfix"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (b"\x00\x01\x1b[2J\r\n", "␀␁␛[2J"),
    ] {
        let (all, end) = passed(&[wire]).await;
        assert!(all.is_empty());
        assert_eq!(refused(&end.unwrap_err()), &Refused::NotImap(words.into()));
    }
}

#[tokio::test]
async fn what_would_break_the_parser_is_made_harmless() {
    let deep = [
        b"* 1 FETCH (BODYSTRUCTURE ".to_vec(),
        vec![b'('; 100_000],
        b"\r\n".to_vec(),
    ]
    .concat();
    let (all, end) = passed(&[
        "* OK [ALERT]é\r\n".as_bytes(),
        b"* OK [ALERT]\xff\r\n",
        b"* OK nul \0 and \r cr [x]y\r\n",
        b"* 1 FETCH (INTERNALDATE NIL)\r\n",
        &deep,
        b"a1 OK x\r\n",
    ])
    .await;
    assert_eq!(all.len(), 4, "{all:?}");
    assert_eq!(all[0], "* OK [ALERT] é\r\n".as_bytes());
    assert_eq!(all[2], "* OK nul ␀ and ␍ cr [x]y\r\n".as_bytes());
    assert!(end.is_ok());
}

fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&[u8]> = vec![
        b"* ",
        b"a1 ",
        b"+ ",
        b"OK",
        b"NO ",
        b"BYE",
        b"PREAUTH ",
        b"[ALERT]",
        b"[CAPABILITY ",
        b"IMAP4rev1",
        b"]",
        b"\xc3\xa9",
        b"1 FETCH (",
        b"ENVELOPE (",
        b"INTERNALDATE ",
        b"NIL",
        b"(",
        b")",
        b"\"",
        b"\\",
        b"{3}\r\n",
        b"{99999999999}\r\n",
        b"\r\n",
        b"\n",
        b" ",
        b"\0",
        b"\r",
        b"BODY[",
        b"UID 4294967296",
        b"2 EXISTS",
        b"FLAGS (",
        b"[BADCHARSET (",
        b"\xff",
    ];
    prop_oneof![8 => prop::sample::select(known).prop_map(<[u8]>::to_vec), 1 => prop::collection::vec(any::<u8>(), 0..6)]
}
proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn no_bytes_make_the_guard_or_the_parser_behind_it_panic(parts in prop::collection::vec(fragment(), 0..40)) {
        let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let wire = parts.concat();
        let (all, _) = rt.block_on(passed(&[&wire]));
        for response in all {
            let parsed = imap_proto::Response::parse(&response);
            prop_assert!(matches!(parsed, Ok(([], _))));
        }
    }
}
