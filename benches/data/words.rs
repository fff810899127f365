//! What stands in the columns.

/// The four steps first, then a search, then names that belong to no step.
pub const EVENTS: [&str; 18] = [
    "view",
    "cart",
    "checkout",
    "purchase",
    "search",
    "sign_in",
    "sign_out",
    "register",
    "wish",
    "unwish",
    "compare",
    "read_review",
    "open_menu",
    "sort_list",
    "filter_list",
    "enter_voucher",
    "play_video",
    "payment_refused",
];

pub const PRODUCTS: u64 = 50_000;

pub const CATEGORIES: [&str; 20] = [
    "",
    "",
    "",
    "",
    "",
    "home.lighting.lamp",
    "home.textile.curtain",
    "home.kitchen.kettle",
    "garden.tools.mower",
    "garden.furniture.bench",
    "clothes.winter.coat",
    "clothes.shoes.boots",
    "sport.water.paddle",
    "sport.cycling.helmet",
    "media.book.paperback",
    "media.game.board",
    "electronics.phone.smartphone",
    "electronics.audio.speaker",
    "electronics.computer.tablet",
    "food.dry.coffee",
];

pub const BRANDS: [&str; 24] = [
    "",
    "",
    "",
    "northwind",
    "contoso",
    "fabrikam",
    "tailspin",
    "lamna",
    "proseware",
    "wingtip",
    "adatum",
    "litware",
    "Brown, Sons & Co.",
    "The \"Better\" Bicycle",
    "Müller & Söhne",
    "L'Atelier",
    "Żabka",
    "כחול לבן",
    "גלידה, בע\"מ",
    "Белая берёза",
    "日本茶",
    "O'Hara",
    "Ærø",
    "Café Noir",
];

pub const DEVICES: [&str; 4] = ["mobile", "desktop", "tablet", "app"];

pub const CHANNELS: [&str; 8] =
    ["direct", "organic", "paid_search", "newsletter", "social", "partner", "banner", "referral"];

pub const COUNTRIES: [&str; 24] = [
    "IL", "DE", "US", "FR", "GB", "PL", "ES", "IT", "NL", "SE", "RO", "CZ", "GR", "PT", "AT", "CH", "DK",
    "FI", "NO", "IE", "CA", "BR", "IN", "JP",
];

pub const CAMPAIGNS: [&str; 9] = [
    "",
    "",
    "",
    "spring_cleaning_2025",
    "reminder_cart_after_2d",
    "generic_search_exact_match",
    "newsletter_march_week_2",
    "Passover, Easter & Ramadan",
    "lookalike_buyers_12m",
];

pub const SEARCHES: [&str; 10] = [
    "garden+bench",
    "rain+coat+blue",
    "coffee+beans+1kg",
    "%D7%9E%D7%A0%D7%95%D7%A8%D7%94",
    "desk+lamp",
    "helmet+size+m",
    "board+game+two+players",
    "paddle",
    "tablet+10+inch",
    "kettle+quiet",
];

/// By device; the last list is of the app.
pub const AGENTS: [&[&str]; 4] = [
    &[
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1",
    ],
    &[
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15",
    ],
    &[
        "Mozilla/5.0 (iPad; CPU OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1",
    ],
    &[
        "ExampleShop/9.2.1 (Android 15; Galaxy S24, dual; de_DE) okhttp/4.12.0 store/official build/9210044 view/native-list",
        "ExampleShop/9.2.0 (iOS 18.3; iPhone16,2; he_IL) CFNetwork/1568.300.101 Darwin/24.2.0 build/9200031 view/native-list",
    ],
];

pub const CRAWLER: &str =
    "Mozilla/5.0 (compatible; ExampleCrawler/3.4; +https://crawler.example.org/about.html) like Gecko";
