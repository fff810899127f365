use super::*;
use crate::report::table::Column;
use proptest::prelude::*;

fn shown(style: Style, blocks: &[Block]) -> String {
    let mut out = Vec::new();
    Terminal::new(style).document(blocks, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn at(width: usize) -> Style {
    Style { width, ..Style::default() }
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn conversion() -> Table {
    Table {
        name: "conversion".to_owned(),
        title: "Steps".to_owned(),
        columns: vec![
            Column::number("step", "#"),
            Column::text("name", "Step"),
            Column::number("reached", "People"),
            Column::number("of_previous", "Of previous"),
            Column::number("of_first_ci95", "95 %"),
            Column::text("bar", ""),
        ],
        rows: vec![
            vec![
                Cell::Count(1),
                text("View"),
                Cell::Count(1_200),
                Cell::Missing,
                Cell::Missing,
                Cell::Bar(1.0),
            ],
            vec![
                Cell::Count(2),
                text("עגלה"),
                Cell::Count(150),
                Cell::Share(0.125),
                Cell::ShareInterval(0.107, 0.145),
                Cell::Bar(0.125),
            ],
        ],
        notes: vec!["Nobody is open.".to_owned()],
    }
}

#[test]
fn a_document_by_hand() {
    let blocks = [
        Block::Heading(1, "Report".to_owned()),
        Block::Facts(vec![
            ("Unit".to_owned(), "person".to_owned()),
            ("Guessed".to_owned(), "user = user_id, time = timestamp, event = event_type".to_owned()),
        ]),
        Block::Warning {
            code: "W06".to_owned(),
            text: "12 rows appear twice and are counted twice.".to_owned(),
        },
        Block::Warning { code: "W09".to_owned(), text: "3 people.".to_owned() },
        Block::Heading(2, "Conversion".to_owned()),
        Block::Table(conversion()),
        Block::Note("One.".to_owned()),
        Block::Note("Two.".to_owned()),
        Block::Heading(3, "End".to_owned()),
    ];
    // The columns take 1 + 4 + 6 + 8 + 11 and five gaps of 2, which leaves 10 for the bars; one
    // eighth of them is a column and a quarter.
    let wanted = "\
Report
══════
Unit     person
Guessed  user = user_id, time = timestamp, event =
         event_type

warning[W06]: 12 rows appear twice and are counted
              twice.
warning[W09]: 3 people.

Conversion ───────────────────────────────────────
Steps
                       Of
#  Step  People  previous         95 %
──────────────────────────────────────────────────
1  View   1,200         –            –  ██████████
2  עגלה     150   12.50 %  10.7–14.5 %  █▎
  Nobody is open.

One.
Two.

End
";
    assert_eq!(shown(at(50), &blocks), wanted);
}

#[test]
fn without_room_bars_go_and_numbers_move_to_a_second_band() {
    let blocks = [Block::Table(Table { title: String::new(), ..conversion() })];
    // 1 + 4 + 6 + 8 and gaps are 25; the interval needs 13 more.
    let wanted = "                       Of
#  Step  People  previous
─────────────────────────
1  View   1,200         –
2  עגלה     150   12.50 %

#  Step         95 %
────────────────────
1  View            –
2  עגלה  10.7–14.5 %
  Nobody is open.
";
    assert_eq!(shown(at(37), &blocks), wanted);
    // One column more, and all stand side by side.
    let wide = shown(at(38), &blocks);
    assert!(wide.contains("2  עגלה     150   12.50 %  10.7–14.5 %\n"), "{wide}");
}

#[test]
fn ascii_draws_nothing_else() {
    let table = Table { rows: vec![conversion().rows[0].clone()], ..conversion() };
    let blocks = [Block::Heading(1, "R".to_owned()), Block::Heading(2, "S".to_owned()), Block::Table(table)];
    let style = Style { ascii: true, ..at(60) };
    // 1 + 4 + 6 + 11 + 4 and five gaps leave 24 of 60 for the bar.
    let wanted = "\
R
=

S ----------------------------------------------------------
Steps
#  Step  People  Of previous  95 %
------------------------------------------------------------
1  View   1,200            -     -  ########################
  Nobody is open.
";
    assert_eq!(shown(style, &blocks), wanted);
}

#[test]
fn ascii_spells_the_signs_of_our_texts() {
    let table = Table {
        title: "From → to".to_owned(),
        columns: vec![Column::text("path", "From → to")],
        rows: vec![vec![text("View → עגלה…")]],
        notes: vec!["Up to 1–2.".to_owned()],
        ..Table::default()
    };
    let wanted = "\
From -> to
From -> to
---------------
View -> עגלה...
  Up to 1-2.
";
    assert_eq!(shown(Style { ascii: true, ..at(60) }, &[Block::Table(table)]), wanted);
}

fn one_column(column: Column, cells: Vec<Cell>) -> [Block; 1] {
    let rows = cells.into_iter().map(|cell| vec![cell]).collect();
    [Block::Table(Table { columns: vec![column], rows, ..Table::default() })]
}

#[test]
fn texts_are_wrapped_at_blanks_and_long_words_cut() {
    let cells = vec![
        text("evidence in several words"),
        text("checkout_shipping_address_form"),
        text("a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5 6 7 8 9 10 11 12 13 14"),
        text("買い物かごに入れるをクリックした"),
    ];
    let wanted = "\
Event
────────────────────
evidence in several
words
checkout_shipping_a…
a b c d e f g h i j
k l m n o p q r s t
u v w x y z 1 2 3 4
5 6 7 8 9 10 11 12…
買い物かごに入れる…
";
    assert_eq!(shown(at(20), &one_column(Column::text("event", "Event"), cells)), wanted);
}

#[test]
fn numbers_are_never_cut() {
    let cells = vec![Cell::Amount(i128::from(u64::MAX) * 1_000_000), Cell::Amount(0)];
    let shown = shown(at(20), &one_column(Column::number("value", "Value"), cells));
    assert!(shown.contains("\n18,446,744,073,709,551,615.00\n"), "{shown}");
    assert!(shown.contains(&format!("\n{}0.00\n", " ".repeat(25))), "{shown}");
}

#[test]
fn wide_characters_keep_columns_aligned() {
    let columns = vec![Column::text("event", "Event"), Column::number("n", "n")];
    let rows =
        ["買い物", "🛒👩\u{200d}💻", "עֲגָלָה", "a\x1bb"].map(|name| vec![text(name), Cell::Count(1)]).to_vec();
    let blocks = [Block::Table(Table { columns, rows, ..Table::default() })];
    let wanted = "\
Event   n
─────────
買い物  1
🛒👩\u{200d}💻    1
עֲגָלָה    1
a\\x1bb  1
";
    assert_eq!(shown(at(80), &blocks), wanted);
}

#[test]
fn right_to_left_text_is_isolated_only_where_asked() {
    let blocks = one_column(Column::text("event", "Event"), vec![text("עגלה"), text("view")]);
    let style = Style { isolate_bidi: true, ..at(80) };
    assert_eq!(shown(style, &blocks), "Event\n─────\n\u{2068}עגלה\u{2069}\nview\n");
    assert_eq!(shown(at(80), &blocks), "Event\n─────\nעגלה\nview\n");
}

#[test]
fn colour_only_stresses() {
    let blocks = [
        Block::Heading(2, "Conversion".to_owned()),
        Block::Table(conversion()),
        Block::Warning { code: "W06".to_owned(), text: "12 rows.".to_owned() },
        Block::Note("Done.".to_owned()),
    ];
    let colored = shown(Style { color: true, ..at(80) }, &blocks);
    assert!(colored.contains("\u{1b}[1m\u{1b}[33mwarning[W06]: \u{1b}[0m12 rows."), "{colored:?}");
    assert!(colored.contains("\u{1b}[2mDone.\u{1b}[0m"), "{colored:?}");
    // Without its escapes it is the same text.
    let mut plain = String::new();
    for (place, piece) in colored.split('\u{1b}').enumerate() {
        plain.push_str(if place == 0 { piece } else { piece.split_once('m').unwrap().1 });
    }
    assert_eq!(plain, shown(at(80), &blocks));
}

#[test]
fn bars_show_eighths_and_whatever_is_above_zero() {
    let terminal = Terminal::new(at(80));
    let cases = [
        (0.0, ""),
        (-1.0, ""),
        (f64::NAN, ""),
        (1e-9, "▏"),
        (0.5, "██"),
        (0.53, "██▏"),
        (0.99, "████"),
        (1.0, "████"),
        (7.0, "████"),
    ];
    for (share, bar) in cases {
        assert_eq!(terminal.bar(share, 4), bar, "{share}");
    }
    let terminal = Terminal::new(Style { ascii: true, ..at(80) });
    assert_eq!([0.0, 1e-9, 0.5, 1.0].map(|share| terminal.bar(share, 4)), ["", "#", "##", "####"]);
}

#[test]
fn empty_things_are_said_to_be_empty() {
    let blocks = one_column(Column::text("event", "Event"), Vec::new());
    assert_eq!(shown(at(80), &blocks), "Event\n─────\n(no rows)\n");
    assert_eq!(shown(at(80), &[]), "");
    assert_eq!(shown(at(80), &[Block::Facts(Vec::new())]), "");
}

fn cells() -> impl Strategy<Value = Vec<Cell>> {
    let words = prop_oneof![Just("add to cart".to_owned()), "[a-z_ ]{0,40}", any::<String>()];
    (words, any::<u64>(), 0.0..=1.0, any::<i64>(), any::<i64>(), 0.0..=1.0, any::<String>()).prop_map(
        |(name, n, share, duration_us, millionths, bar, remark)| {
            vec![
                Cell::Text(name),
                Cell::Count(n),
                Cell::Share(share),
                Cell::ShareInterval(share / 2.0, share),
                Cell::DurationUs(duration_us),
                Cell::Amount(i128::from(millionths)),
                Cell::Bar(bar),
                Cell::Text(remark),
            ]
        },
    )
}

proptest! {
    /// From 60 columns on, which hold the first column and any one number beside it.
    #[test]
    fn every_table_fits_and_shows_its_numbers_whole(
        rows in prop::collection::vec(cells(), 0..4),
        titles in prop::collection::vec("[A-Za-z %]{0,30}", 8),
        width in 60usize..250,
    ) {
        let columns: Vec<Column> = titles
            .into_iter()
            .enumerate()
            .map(|(place, title)| match place {
                0 | 6 | 7 => Column::text(format!("c{place}"), title),
                _ => Column::number(format!("c{place}"), title),
            })
            .collect();
        let terminal = Terminal::new(at(width));
        let table = Table { columns, rows, ..Table::default() };
        let text = shown(at(width), &[Block::Table(table.clone())]);
        for line in text.lines() {
            prop_assert!(width::width(line) <= width, "{} columns: {line:?}", width::width(line));
        }
        for cell in table.rows.iter().flat_map(|row| &row[1..6]) {
            let number = terminal.human.cell(cell);
            prop_assert!(text.contains(&number), "{number} is not in {text}");
        }
    }
}

#[test]
fn a_command_stays_on_one_line_and_unchanged() {
    let command = format!("dropoff report 'עגלה.csv' --steps '{}'", "view, ".repeat(40));
    let style = Style { isolate_bidi: true, ..at(40) };
    assert_eq!(shown(style, &[Block::Command(command.clone())]), format!("{command}\n"));
    assert_eq!(shown(at(40), &[Block::Command("a\nb\x1b".to_owned())]), "a\\nb\\x1b\n");
}
