"""The runs that are compared: the bundled logs under many definitions, and logs made by chance."""

import csv
import random
from datetime import datetime, timezone
from decimal import Decimal

from .log import (
    Case, DAY, FILE, Funnel, HOUR, Log, MINUTE, PERSON, SECOND, SESSION, STEP, STRICT, Step, microseconds,
    named, step, write_time,
)

SHOP = Log("testdata/retentioneering-ecom.csv.gz", ["user_id"], "timestamp", "event", session="session_id")
TRACKER = Log("testdata/snowplow-ecommerce.csv", ["user", "session"], "timestamp", "event", session="session",
              value="revenue")
TRACKER_USERS = Log("testdata/snowplow-ecommerce.csv", ["user"], "timestamp", "event", session="session",
                    value="price")
IBM_COLUMNS = ["customer_id", "time_stamp", "click_event_type", "product_name", "product_category", "product_price",
               "total_price_of_basket", "total_number_of_items_in_basket",
               "total_number_of_distinct_items_in_basket", "session_duration"]
TILL = Log("testdata/ibm-clickstream.csv", ["customer_id"], "time_stamp", "click_event_type",
           value="total_price_of_basket", columns=IBM_COLUMNS)
MUSIC = Log("testdata/cdnow-purchases.csv", ["master_id"], "date", None, value="dollars", event_name="purchase")
MUSIC_USD = Log("testdata/cdnow-purchases.csv", ["master_id"], "date", None, value="dollars", currency="USD",
                event_name="purchase")


def number(text):
    return Decimal(text) if text else None


def shop(**rest):
    names = "product_view, add_to_cart, shipping_details, payment_details, purchase"
    return Funnel(names, [step(name) for name in names.split(", ")], **rest)


def shop_not_cart(**rest):
    """Alternatives, a glob, an optional step, forbidden events in two gaps."""
    return Funnel(
        "catalog|search, product_view, !home|promo*, add_to_cart, filter_results?, Form=*_details, !payment_error, "
        "purchase",
        [step("catalog|search", "catalog", "search"), step("product_view"),
         step("add_to_cart", forbidden=[lambda row: row.event == "home" or (row.event or "").startswith("promo")]),
         Step("Form", lambda row: (row.event or "").endswith("_details"), lambda event: event.endswith("_details")),
         step("purchase", forbidden=[named("payment_error")])],
        optional=[("filter_results", named("filter_results"), 3)],
        shown="catalog|search, product_view, !home, !promo*, add_to_cart, filter_results?, Form=*_details, "
              "!payment_error, purchase", **rest)


def shop_first_gap(**rest):
    """A forbidden event in the first gap, so that an attempt can die before its window ends."""
    return Funnel("product_view, !home, add_to_cart, purchase",
                  [step("product_view"), step("add_to_cart", forbidden=[named("home")]), step("purchase")], **rest)


def shop_again(**rest):
    return Funnel("purchase, search?, purchase", [step("purchase"), step("purchase")],
                  optional=[("search", named("search"), 1)], **rest)


def shop_conditions(**rest):
    def mail(row):
        return row.fields["platform"] in ("mobile", "tablet") and row.fields["acquisition_channel"] != "email"
    view = named("product_view", where=mail)
    def loyal(row):
        return row.event is not None and (row.fields["user_lifecycle"].startswith("l")
                                          or row.fields["platform"] == "tablet")
    return Funnel(
        "product_view[platform in ('mobile', 'tablet') and not acquisition_channel = 'email'], "
        "[user_lifecycle ~ 'l*' or platform = 'tablet'], cart|add_to_cart, purchase",
        [step("product_view[platform in ('mobile', 'tablet') and not acquisition_channel = 'email']",
              "product_view", where=mail),
         Step("*[user_lifecycle ~ 'l*' or platform = 'tablet']", loyal),
         step("cart|add_to_cart", "cart", "add_to_cart"), step("purchase")], conditions=[view, loyal],
        shown="product_view[platform in ('mobile', 'tablet') and not acquisition_channel = 'email'], "
              "*[user_lifecycle ~ 'l*' or platform = 'tablet'], cart|add_to_cart, purchase", **rest)


def till(**rest):
    return Funnel(
        "Browse=browsing, Basket=add_to_cart, Checkout=checkout, !logout_without_purchase, "
        "Purchase=logout_with_purchase",
        [step("Browse", "browsing"), step("Basket", "add_to_cart"), step("Checkout", "checkout"),
         step("Purchase", "logout_with_purchase", forbidden=[named("logout_without_purchase")])], **rest)


def till_many_gaps(**rest):
    """Steps that one row can serve in turn, an event forbidden in every gap, and an optional step."""
    cheap = named("add_to_cart", where=lambda row: (number(row.fields["product_price"]) or 0) < 10)
    return Funnel(
        "login|browsing, !logout*, browsing, !add_to_cart[product_price < 10], add_to_cart, browsing?, "
        "add_to_cart|checkout, !logout_without_purchase, logout_with_purchase",
        [step("login|browsing", "login", "browsing"),
         step("browsing", forbidden=[lambda row: (row.event or "").startswith("logout")]),
         step("add_to_cart", forbidden=[cheap]), step("add_to_cart|checkout", "add_to_cart", "checkout"),
         step("logout_with_purchase", forbidden=[named("logout_without_purchase")])],
        optional=[("browsing", named("browsing"), 3)], conditions=[cheap], **rest)


def tracker(**rest):
    return Funnel("View=product_view|list_view, Cart=add_to_cart, Checkout=checkout_step, Purchase=transaction",
                  [step("View", "product_view", "list_view"), step("Cart", "add_to_cart"),
                   step("Checkout", "checkout_step"), step("Purchase", "transaction")], **rest)


def tracker_visit(**rest):
    def paid(row):
        return (number(row.fields["revenue"]) or 0) > 0
    return Funnel(
        "List=list_view, Click=list_click?, !remove_from_cart, Cart=add_to_cart, Purchase=transaction[revenue > 0]",
        [step("List", "list_view"), step("Cart", "add_to_cart", forbidden=[named("remove_from_cart")]),
         step("Purchase", "transaction", where=paid)],
        optional=[("Click", named("list_click"), 1)], conditions=[named("transaction", where=paid)], **rest)


def all_cases():
    """What is run. Every log, every rule, every breakdown; and the example files as they are."""
    cases = []

    def add(*arguments, **rest):
        cases.append(Case(*arguments, **rest))

    windows = [("1h", HOUR), ("1d", DAY), ("7d", 7 * DAY), ("none", None)]
    for words, window in windows:
        for unit in (PERSON, SESSION):
            for tie in (STEP, STRICT):
                add(f"shop, window {words}, {unit}, {tie}", SHOP, shop(window_us=window, unit=unit, tie=tie))
    for make in (shop_not_cart, shop_first_gap):
        for unit in (PERSON, SESSION):
            for words, window in windows[1:]:
                add(f"{make.__name__}, window {words}, {unit}", SHOP, make(window_us=window, unit=unit))
    add("shop_not_cart, file", SHOP, shop_not_cart(tie=FILE))
    add("shop_first_gap, strict", SHOP, shop_first_gap(tie=STRICT))
    add("shop, as-of in the middle", SHOP, shop(), as_of="2024-04-15")
    add("shop, as-of, session, none", SHOP, shop(unit=SESSION, window_us=None), as_of="2024-05-05T15:24:00")
    add("shop_first_gap, as-of in the middle", SHOP, shop_first_gap(), as_of="2024-05-05")
    add("shop_first_gap, as-of in the middle, none", SHOP, shop_first_gap(window_us=None), as_of="2024-05-05")
    add("shop, as-of after the end", SHOP, shop(window_us=30 * DAY), as_of="2024-07-20")
    add("shop, from and to", SHOP, shop(), start="2024-03-01", end="2024-04-01")
    add("shop, from and to, session", SHOP, shop(unit=SESSION, window_us=HOUR), start="2024-03-01T12:00:00",
        end="2024-04-01")
    add("shop, from, Jerusalem", SHOP, shop(tie=STRICT), zone="Asia/Jerusalem", assume="UTC", start="2024-05-01",
        flags=["--assume-time-zone", "UTC"])
    add("shop, naive times of Jerusalem", SHOP, shop(), zone="Asia/Jerusalem", start="2024-03-29", end="2024-06-01")
    add("shop, by one", SHOP, shop(), by=["platform"])
    add("shop, by one, top 3", SHOP, shop(), by=["acquisition_channel"], top=3)
    add("shop, by two, top 3", SHOP, shop(), by=["platform", "acquisition_channel"], top=3)
    add("shop, by two, top 3, session", SHOP, shop(unit=SESSION), by=["user_cohort", "user_lifecycle"], top=3)
    add("shop_not_cart, by one, top 3, none", SHOP, shop_not_cart(window_us=None), by=["user_cohort"], top=3)
    for period in ("week", "month"):
        for zone in ("UTC", "Asia/Jerusalem"):
            flags = ["--assume-time-zone", "UTC"]
            add(f"shop, trend by {period} in {zone}", SHOP, shop(), trend=period, zone=zone, assume="UTC", flags=flags)
    add("shop, trend by day of a month in Jerusalem", SHOP, shop(window_us=DAY), trend="day", zone="Asia/Jerusalem",
        assume="UTC", flags=["--assume-time-zone", "UTC"], start="2024-03-20T12:00", end="2024-04-05")
    add("shop, trend by month, session, by one", SHOP, shop(unit=SESSION), trend="month", by=["platform"],
        start="2024-02-10", end="2024-05-20")
    add("shop_not_cart, trend by week, none", SHOP, shop_not_cart(window_us=None), trend="week")
    add("shop, nearest rank", SHOP, shop(), method="nearest-rank", quantiles=("0.05", "0.5", "0.9", "0.999", "1"))
    add("shop_again", SHOP, shop_again(window_us=30 * DAY))
    add("shop_again, session", SHOP, shop_again(unit=SESSION, window_us=None))
    add("shop_again, strict, nearest rank", SHOP, shop_again(window_us=60 * DAY, tie=STRICT), method="nearest-rank")
    add("shop_conditions", SHOP, shop_conditions(window_us=None))
    add("shop_conditions, session, by two", SHOP, shop_conditions(unit=SESSION), by=["platform", "user_lifecycle"],
        top=3)
    add("shop, where", SHOP, shop(), where=lambda row: row.fields["platform"] != "mobile" and row.event != "home",
        where_text="platform != 'mobile' and not event = 'home'")
    add("shop, timeout of 5 minutes", SHOP, shop(), timeout_us=5 * MINUTE)
    add("shop, timeout of 5 minutes, session", SHOP, shop(unit=SESSION), timeout_us=5 * MINUTE)
    add("shop, one step, session", SHOP, Funnel("purchase", [step("purchase")], unit=SESSION), trend="month")
    add("shop, a step that nobody does", SHOP, Funnel("product_view, nosuch, purchase", [
        step("product_view"), step("nosuch"), step("purchase")]))
    add("shop, a condition that nothing fulfils", SHOP, Funnel("product_view, purchase[platform = 'fridge']", [
        step("product_view"), step("purchase[platform = 'fridge']", "purchase", where=lambda row: False)]))

    for tie in (STEP, FILE, STRICT):
        for words, window in [("1m", MINUTE), ("3m", 3 * MINUTE), ("none", None)]:
            add(f"till, window {words}, {tie}", TILL, till(window_us=window, tie=tie))
            add(f"till_many_gaps, window {words}, {tie}", TILL, till_many_gaps(window_us=window, tie=tie))
    add("till_many_gaps, session of 20 s", TILL, till_many_gaps(window_us=2 * MINUTE, unit=SESSION),
        timeout_us=20 * SECOND)
    add("till_many_gaps, session of 20 s, strict, as-of", TILL,
        till_many_gaps(window_us=2 * MINUTE, unit=SESSION, tie=STRICT), timeout_us=20 * SECOND,
        as_of="2020-07-30T23:23:00")
    add("till, as-of in the middle, by one, top 3", TILL, till(window_us=2 * MINUTE), as_of="2020-07-30T23:23:00",
        by=["product_category"], top=3)
    add("till_many_gaps, by two, top 3", TILL, till_many_gaps(window_us=2 * MINUTE),
        by=["product_category", "product_name"], top=3)
    add("till, by one, top 3, file", TILL, till(window_us=2 * MINUTE, tie=FILE), by=["product_name"], top=3)
    add("till, from and to, nearest rank", TILL, till(window_us=2 * MINUTE), start="2020-07-30T23:19:00",
        end="2020-07-30T23:22:30", method="nearest-rank")
    add("till, where price", TILL, till(window_us=3 * MINUTE),
        where=lambda row: number(row.fields["total_price_of_basket"]) <= Decimal("120.5"),
        where_text="total_price_of_basket <= 120.5")
    add("till, browsing twice", TILL, Funnel("browsing, browsing, add_to_cart, add_to_cart", [
        step("browsing"), step("browsing"), step("add_to_cart"), step("add_to_cart")], window_us=3 * MINUTE))

    for words, window in windows:
        for unit in (PERSON, SESSION):
            add(f"tracker, window {words}, {unit}", TRACKER, tracker(window_us=window, unit=unit))
            add(f"tracker_visit, window {words}, {unit}", TRACKER, tracker_visit(window_us=window, unit=unit))
    add("tracker, one column of persons, by one", TRACKER_USERS, tracker(), by=["n_products"], top=3)
    add("tracker, one column of persons, strict, by two", TRACKER_USERS, tracker(tie=STRICT),
        by=["checkout_step", "n_products"], top=3)
    add("tracker, trend by week, as-of", TRACKER, tracker(), trend="week", as_of="2022-12-01", zone="Asia/Jerusalem")

    for tie in (STEP, STRICT, FILE):
        for words, window in [("30d", 30 * DAY), ("none", None)]:
            add(f"music, twice, window {words}, {tie}", MUSIC, Funnel("purchase, purchase", [
                step("purchase"), step("purchase")], window_us=window, tie=tie))
    add("music, twice, nearest rank, trend", MUSIC, Funnel("purchase, purchase", [
        step("purchase"), step("purchase")], window_us=90 * DAY), method="nearest-rank", trend="month",
        end="1997-09-01", zone="Asia/Jerusalem")
    large = named("purchase", where=lambda row: int(row.fields["cds"]) >= 3)
    small = named("purchase", where=lambda row: int(row.fields["cds"]) < 3)
    add("music, a large and a small one, by number", MUSIC, Funnel("purchase[cds >= 3], purchase[cds < 3]", [
        Step("purchase[cds >= 3]", large), Step("purchase[cds < 3]", small)], window_us=60 * DAY,
        conditions=[large, small]), by=["cds"], top=3)
    add("music, as-of in the middle, session", MUSIC, Funnel("purchase, purchase", [
        step("purchase"), step("purchase")], window_us=60 * DAY, unit=SESSION), as_of="1997-12-31",
        timeout_us=20 * DAY)

    names = ("View", "Cart", "Shipping", "Payment", "Purchase")
    events = ("product_view", "add_to_cart", "shipping_details", "payment_details", "purchase")
    add("examples/ecom.toml", SHOP, Funnel(", ".join(map("=".join, zip(names, events))), [
        step(name, event) for name, event in zip(names, events)]), config="examples/ecom.toml")
    add("examples/ibm.toml", TILL, till(window_us=3 * MINUTE), config="examples/ibm.toml")
    add("examples/snowplow.toml", TRACKER, [tracker(window_us=DAY), tracker_visit(
        window_us=None, unit=SESSION, name="visit")], config="examples/snowplow.toml")
    add("examples/cdnow.toml", MUSIC_USD, Funnel("First=purchase, Second=purchase, Third=purchase", [
        step("First", "purchase"), step("Second", "purchase"), step("Third", "purchase")], name="repeat",
        window_us=182 * DAY, tie=STRICT), config="examples/cdnow.toml", zone="America/New_York", end="1997-04-01",
        trend="month", where=lambda row: Decimal(row.fields["dollars"]) > 0, where_text="dollars > 0")
    return cases


def invented_cases(folder, number):
    """Small logs made by chance, with many rows of one instant, and funnels made by chance over them.

    Few names and few minutes, so that ties, repeated steps, forbidden events and dead attempts meet often."""
    for seed in range(number):
        dice = random.Random(seed)
        path = folder / f"invented-{seed}.csv"
        day = microseconds(datetime(2024, 3, 28, tzinfo=timezone.utc))
        span = dice.choice([12, 40, 4000])
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(["who", "what", "when", "visit", "group", "colour", "amount"])
            for _ in range(400):
                minute = dice.randrange(span)
                out.writerow([
                    f"p{dice.randrange(60)}", dice.choice(["Z", "B", "C", "D", "X", "X", "M", ""]),
                    write_time(day + minute * MINUTE), dice.choice([f"v{minute // 5}", f"v{minute // 4}", ""]),
                    dice.choice(["", "g1", "g2", "g3", "g4"]), dice.choice(["red", "blue"]),
                    dice.choice(["", "", f"{dice.randrange(-2, 900) / 4}"])])
        steps, optional, texts, shown, names = [], [], [], [], []
        for k in range(dice.choice([2, 3, 3, 4])):
            before, names, forbidden, bars = names, dice.sample(["Z", "B", "C", "D"], dice.choice([1, 1, 2])), [], []
            if k and dice.random() < 0.5:
                # What borders on a step may not be forbidden there.
                free = [name for name in ("X", "M", "B", "C") if name not in names + before]
                barred = dice.sample(free, dice.choice([1, 1, 2]))
                forbidden = [named(name) for name in barred]
                texts.append("!" + "|".join(barred))
                bars = ["!" + name for name in barred]
            if k and dice.random() < 0.4:
                name = dice.choice(["M", "B", "X"])
                optional.append((name, named(name), k))
                texts.append(name + "?")
                shown.append(name + "?")
            steps.append(step("|".join(names), *names, forbidden=forbidden))
            texts.append("|".join(names))
            shown += [*bars, "|".join(names)]
        funnel = Funnel(", ".join(texts), steps, optional, shown=", ".join(shown),
                        window_us=dice.choice([None, 5, 8, 15, 60]), unit=dice.choice([PERSON, PERSON, SESSION]),
                        tie=dice.choice([STEP, FILE, STRICT]))
        if funnel.window_us is not None:
            funnel.window_us *= MINUTE * (span // 20 + 1)
        log = Log(str(path), ["who"], "when", "what", session="visit", value="amount")

        def moment(share, span=span, day=day):
            return write_time(day + int(span * share) * MINUTE)

        yield Case(
            f"invented {seed}: {funnel.text}; {funnel.unit}, {funnel.tie}", log, funnel,
            as_of=moment(0.7) if dice.random() < 0.4 else None,
            start=moment(0.2) if dice.random() < 0.3 else None, end=moment(0.6) if dice.random() < 0.3 else None,
            by=dice.choice([[], [], ["group"], ["group", "colour"]]), top=dice.choice([1, 3, 20]),
            trend=dice.choice([None, "day"]), zone=dice.choice(["UTC", "Asia/Jerusalem"]),
            method=dice.choice(["type-7", "nearest-rank"]), timeout_us=dice.choice([2, 4, 30]) * MINUTE)
