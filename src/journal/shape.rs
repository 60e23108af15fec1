//! A fact's JSON taken apart into its shape and its numbers, and put together again. Probes of one door differ in their
//! timings only, so many rows share one shape, and a row is its numbers: 60 bytes in place of 700. The shape is the JSON
//! with `#` where a number stood; the numbers are text with spaces between. Pure; the file's format depends on it.

/// The shape of a JSON text and the numbers that were in it, in order.
pub fn apart(json: &str) -> (String, String) {
    let (mut shape, mut numbers) = (String::with_capacity(json.len()), String::new());
    for piece in pieces(json) {
        match piece {
            Piece::Number(n) => {
                if !numbers.is_empty() {
                    numbers.push(' ');
                }
                numbers.push_str(n);
                shape.push('#');
            }
            Piece::Rest(s) => shape.push_str(s),
        }
    }
    (shape, numbers)
}

/// The JSON text again; `None` when shape and numbers do not belong together.
pub fn together(shape: &str, numbers: &str) -> Option<String> {
    let mut json = String::with_capacity(shape.len() + numbers.len());
    let mut numbers = numbers.split(' ').filter(|n| !n.is_empty());
    for piece in pieces(shape) {
        match piece {
            Piece::Number("#") => json.push_str(numbers.next()?),
            Piece::Number(s) | Piece::Rest(s) => json.push_str(s),
        }
    }
    numbers.next().is_none().then_some(json)
}

/// A number (or its `#`), or anything between numbers.
enum Piece<'a> {
    Number(&'a str),
    Rest(&'a str),
}

/// Cuts at the numbers that stand outside of strings.
fn pieces(mut rest: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let number = rest.bytes().take_while(|b| b"+-.0123456789eE".contains(b)).count();
        let starts_one = rest.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        if rest.starts_with('#') || (starts_one && number > 0) {
            let (piece, tail) = rest.split_at(if rest.starts_with('#') { 1 } else { number });
            rest = tail;
            return Some(Piece::Number(piece));
        }
        let (piece, tail) = rest.split_at(up_to_number(rest));
        rest = tail;
        Some(Piece::Rest(piece))
    })
}

/// Where the first number or `#` outside of a string begins; the length when there is none.
fn up_to_number(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (i, b) in text.bytes().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'0'..=b'9' | b'-' | b'#' if !quoted => return i,
            _ => {}
        }
    }
    text.len()
}

/// FNV-1a, 64 bits: finds a shape by its text. It must never change, so it is written out here.
pub fn hash(text: &str) -> i64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        })
        .cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_taken_out_and_strings_are_left_alone() {
        let json = r##"{"took":18400,"ok":true,"x":[-1,2.5e3,null],"say":"#7 \"8\" \\","n":9}"##;
        let (shape, numbers) = apart(json);
        assert_eq!(
            shape,
            r##"{"took":#,"ok":true,"x":[#,#,null],"say":"#7 \"8\" \\","n":#}"##
        );
        assert_eq!(numbers, "18400 -1 2.5e3 9");
        assert_eq!(together(&shape, &numbers).as_deref(), Some(json));
    }

    #[test]
    fn a_shape_with_too_few_or_too_many_numbers_is_refused() {
        assert_eq!(together("[#,#]", "1"), None);
        assert_eq!(together("[#]", "1 2"), None);
        assert_eq!(together("[]", "").as_deref(), Some("[]"));
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".{0,12}".prop_map(Into::into),
            "[#0-9\"\\\\ -]{0,8}".prop_map(Into::into),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::btree_map(".{0,6}", inner, 0..4)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_comes_back_letter_for_letter(value in any_json()) {
            let json = value.to_string();
            let (shape, numbers) = apart(&json);
            prop_assert_eq!(together(&shape, &numbers), Some(json));
        }

        #[test]
        fn no_shape_and_no_numbers_make_it_panic(shape in ".{0,60}", numbers in ".{0,30}") {
            let _ = together(&shape, &numbers);
        }
    }
}
