//! Quoting against a real shell: no argument can become anything but that argument.

use mailtop::domain::argv::{Argv, quote};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn a_real_shell_reads_back_every_argument(args in prop::collection::vec("[^\0]{0,20}", 1..4)) {
        let quoted = Argv::new("printf", ["%s\\0"]).quoted() + " " + &args.iter().map(|a| quote(a)).collect::<Vec<_>>().join(" ");
        let out = std::process::Command::new("sh").arg("-c").arg(&quoted).output().unwrap();
        let want: Vec<u8> = args.iter().flat_map(|a| a.bytes().chain([0])).collect();
        prop_assert_eq!(out.stdout, want);
    }
}
