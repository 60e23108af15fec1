//! Fleets with several doors: the roles, the doors of one server, one cause for many servers, the certificates.

use super::*;
use crate::domain::health::Verdict;

#[test]
fn each_role_stands_in_the_header_by_itself() {
    at_each_size("roles", |size| app(fixture::doors::inbound_down(), size));
    for size in [(60, 15), (80, 24), (120, 40)] {
        let mut server = app(fixture::doors::inbound_down(), size);
        press(&mut server, "Enter");
        let screen = drawn(&server);
        assert!(screen.contains("in ✖") || screen.contains("inbound ✖"), "{screen}");
        assert!(screen.contains("✔"), "{screen}");
    }
    // One role needs no telling.
    assert!(!drawn(&app(fixture::weekend(), (120, 40))).contains("mailboxes"));
}

#[test]
fn a_server_lists_all_of_its_doors_and_opens_at_the_worst() {
    at_each_size("six_doors_fleet", |size| app(fixture::doors::six_doors(), size));
    at_each_size("six_doors", |size| {
        let mut app = app(fixture::doors::six_doors(), size);
        press(&mut app, "Enter");
        app
    });
}

#[test]
fn the_arrows_choose_whose_probe_is_shown() {
    for size in SIZES {
        let mut app = app(fixture::doors::six_doors(), size);
        press(&mut app, "Enter Home");
        for (i, name) in ["imap", "lmtp", "pop3", "sieve", "smtp", "submission"]
            .iter()
            .enumerate()
        {
            let screen = drawn(&app);
            assert!(screen.contains(&format!("▸ {name}")), "{name}: {screen}");
            assert!(screen.contains(&format!("{name}://")), "{name}: {screen}");
            let part = format!("‹ {name} › {}", i + 1);
            assert!(screen.contains(&part), "{name}: {screen}");
            press(&mut app, if i % 2 == 0 { "l" } else { "Down" });
        }
    }
}

#[test]
fn six_servers_behind_one_backend_are_one_cause_and_six_lines() {
    at_each_size("one_cause", |size| app(fixture::doors::one_backend(), size));
    let screen = drawn(&app(fixture::doors::one_backend(), (120, 40)));
    let words =
        "one cause? auth fails on 6 of 7 servers since 18:33:30, within 5s: an authentication backend they share";
    assert_eq!(screen.matches(words).count(), 2, "above and with the server: {screen}");
    assert_eq!(screen.matches("✖ ×6 auth UNAVAILABLE").count(), 6, "{screen}");
}

#[test]
fn certificates_of_the_fleet_stand_on_one_page() {
    for size in SIZES {
        let mut app = app(fixture::doors::certificates(), size);
        press(&mut app, ":certs Enter");
        assert_snapshot!(format!("certs_{}x{}", size.0, size.1), drawn(&app));
        press(&mut app, "Esc");
        assert!(app.overlay.is_none());
    }
    let fleet = app(fixture::doors::certificates(), (120, 40));
    assert!(
        drawn(&fleet).contains("▲ 3 certificates end soon, that of mx1 has ended (:certs)"),
        "{}",
        drawn(&fleet)
    );
    // A fortnight is the limit, and a day more is none.
    let rows = fleet.rows(now());
    let verdict = |n: &str| rows.iter().find(|r| r.server.name.as_str() == n).map(|r| r.verdict);
    assert_eq!(
        (verdict("mx2"), verdict("out1")),
        (Some(Verdict::Warn), Some(Verdict::Ok))
    );
}

#[test]
fn screens_of_many_doors_are_drawn_at_every_size_without_a_fault() {
    let models = [
        fixture::doors::inbound_down(),
        fixture::doors::six_doors(),
        fixture::doors::one_backend(),
        fixture::doors::certificates(),
    ];
    for size in [
        (60, 15),
        (61, 16),
        (79, 20),
        (109, 30),
        (110, 30),
        (200, 60),
        (500, 15),
        (60, 200),
    ] {
        for keys in [
            "Esc",
            "Enter",
            "Enter G",
            "Enter G PageDown",
            ":certs Enter",
            "/mx",
            "Space",
        ] {
            for model in &models {
                let mut app = app(model.clone(), size);
                press(&mut app, keys);
                let screen = drawn(&app);
                for line in screen.lines() {
                    assert!(
                        crate::console::widget::width(line) <= usize::from(size.0),
                        "{size:?}: {line}"
                    );
                }
            }
        }
    }
}
