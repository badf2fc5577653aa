//! A shop of any size: its products imported by the shop's own command, its orders placed through its door, as wanted
//! as products are. Accounts differ as much as products do.

use super::{
    client::{Drive, drive, micros, times},
    count::{Runs, per_second},
    goods::{ADMIN, Shop, order},
    plan::Plan,
    process::emptied,
    skew::{Skew, mixed},
};
use crate::{parts::Stand, security::http::ask};
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

/// Accounts that all orders belong to: the more an account has, the longer its history.
pub(super) const CUSTOMERS: u32 = 20;
pub(super) const BUYERS: u32 = 128;
/// Far fewer than are placed while a token lasts.
const ORDERS_OF_A_TOKEN: u64 = 500_000;
/// Nobody here pays, and nothing lapses meanwhile.
pub(super) const SETTINGS: &[(&str, &str)] = &[("SOUK_ORDERS__PAYMENT_WINDOW_SECONDS", "604800")];
const FIRST: [&str; 24] = [
    "Green", "Black", "White", "Smoked", "Wild", "Sweet", "Bitter", "Salted", "Dried", "Fresh",
    "Roasted", "Golden", "Silver", "Mountain", "River", "Garden", "Winter", "Summer", "Morning",
    "Evening", "Royal", "Plain", "Double", "Old",
];
const SECOND: [&str; 24] = [
    "tea", "coffee", "pepper", "salt", "honey", "olive", "almond", "fig", "date", "lemon",
    "saffron", "cumin", "basil", "mint", "thyme", "sage", "rice", "lentil", "apple", "pear",
    "plum", "cherry", "walnut", "sesame",
];

/// A shop with what is in it.
pub(super) struct Sized {
    pub(super) shop: Shop,
    pub(super) products: Vec<String>,
    pub(super) admin: String,
    pub(super) customers: Vec<String>,
    pub(super) orders: u64,
}

/// How long it took to come about.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) imported_per_second: u64,
    pub(super) ordered_per_second: u64,
    pub(super) starts: Runs,
    pub(super) verified: u64,
}

/// Imports products, opens the shop, and places orders; or opens one that was filled before, if that is wished.
pub(super) fn fill(
    stand: &Stand,
    name: &str,
    (products, orders): (u32, u32),
    (skew, made): (&Skew, &mut Made),
) -> io::Result<Sized> {
    if Plan::wished().again {
        return filled_before(stand, name, (products, orders));
    }
    let folder = emptied(stand.folder.join(name))?;
    let file = folder.join("products.jsonl");
    write_products(&file, products)?;
    let begun = Instant::now();
    import(stand, &file, &folder.join("data"))?;
    made.imported_per_second = per_second(products.into(), micros(begun.elapsed()));
    let shop = Shop::on(stand, folder, SETTINGS)?;
    let admin = shop.admin(stand, SETTINGS)?;
    let mut sized = of(shop, admin, (products, orders))?;
    for number in 0..CUSTOMERS {
        sized.shop.enter(&email(number), "register")?;
    }
    let begun = Instant::now();
    sized.place(skew)?;
    made.ordered_per_second = per_second(orders.into(), micros(begun.elapsed()));
    Ok(sized)
}

/// How many orders there are is told when it is verified.
fn filled_before(stand: &Stand, name: &str, size: (u32, u32)) -> io::Result<Sized> {
    let folder = stand.folder.join(name);
    if !folder.join("data").is_dir() {
        let folder = folder.display();
        return Err(io::Error::other(format!("no shop was filled in {folder}")));
    }
    let shop = Shop::on(stand, folder, SETTINGS)?;
    let admin = shop.enter(ADMIN, "login")?;
    of(shop, admin, size)
}

/// A shop that has its products.
fn of(shop: Shop, admin: String, (products, orders): (u32, u32)) -> io::Result<Sized> {
    let ids = ids(&shop.server.address, &admin)?;
    if ids.len() != usize::try_from(products).unwrap_or_default() {
        return Err(io::Error::other(format!(
            "{} of {products} products are there",
            ids.len()
        )));
    }
    Ok(Sized {
        shop,
        products: ids,
        admin,
        customers: Vec::new(),
        orders: orders.into(),
    })
}

fn email(customer: u32) -> String {
    format!("customer{customer}@souk.example")
}

impl Sized {
    /// Signs everybody in: tokens end within a quarter of an hour.
    pub(super) fn enter(&mut self) -> io::Result<()> {
        self.admin = self.shop.enter(ADMIN, "login")?;
        self.customers.clear();
        for number in 0..CUSTOMERS {
            self.customers
                .push(self.shop.enter(&email(number), "login")?);
        }
        Ok(())
    }

    /// Places all orders.
    fn place(&mut self, skew: &Skew) -> io::Result<()> {
        let mut first = 0;
        while first < self.orders {
            self.enter()?;
            let buying = Drive {
                clients: BUYERS,
                per_second: None,
                lasting: Duration::MAX,
                requests_max: ORDERS_OF_A_TOKEN.min(self.orders.saturating_sub(first)),
            };
            let address = &self.shop.server.address;
            let samples = drive(address, buying, &|number, text| {
                let number = first.saturating_add(number);
                let customer = self.customers.get(whose(number)).map_or("", String::as_str);
                let place = skew.place(number, self.products.len());
                let product = self.products.get(place).map_or("", String::as_str);
                order(text, address, (customer, product), number);
            })?;
            let placed = times(&samples, 201).len();
            if placed != samples.len() {
                let of = samples.len();
                return Err(io::Error::other(format!(
                    "{placed} of {of} orders were placed"
                )));
            }
            first = first.saturating_add(buying.requests_max);
        }
        Ok(())
    }
}

/// Half of all orders are the first one's, a quarter the second one's, and so on.
fn whose(number: u64) -> usize {
    let zeros = mixed(number).trailing_zeros();
    usize::try_from(zeros.min(CUSTOMERS.saturating_sub(1))).unwrap_or_default()
}

fn write_products(file: &Path, count: u32) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(file)?);
    for number in 0..count {
        let (first, second) = words(number.into());
        let price = number.checked_rem(9_000).unwrap_or(0).saturating_add(100);
        writeln!(
            file,
            "{{\"sku\":\"S-{number}\",\"name\":\"{first} {second} {number}\",\"description\":\"From the slopes of hill \
             {number}, picked by hand and packed on the day it is ready.\",\"category\":\"{second}\",\
             \"price_minor\":{price},\"stock\":100000000}}"
        )?;
    }
    file.flush()
}

/// The address of a category's page.
pub(super) fn category(number: u64) -> String {
    let (_, second) = words(number);
    format!("/c/{second}")
}

pub(super) fn words(number: u64) -> (&'static str, &'static str) {
    let pick = |words: &[&'static str; 24], bits: u64| {
        let place = usize::try_from(bits % 24).unwrap_or_default();
        words.get(place).copied().unwrap_or_default()
    };
    let bits = mixed(number);
    (pick(&FIRST, bits), pick(&SECOND, bits >> 20))
}

fn import(stand: &Stand, file: &Path, data: &Path) -> io::Result<()> {
    let mut command = stand.souk();
    command
        .args(["import", "products"])
        .arg(file)
        .args(["--commit", "--data"])
        .arg(data);
    command.env("SOUK_SHOP__DEMO", "false").stdin(Stdio::null());
    let output = command.output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )),
    }
}

/// The ids of all products, a page after the other.
fn ids(address: &str, token: &str) -> io::Result<Vec<String>> {
    let bearer = format!("Bearer {token}");
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/products?sort=created_at&limit=100{cursor}");
        let page = ask(address, "GET", &path, &[("authorization", &bearer)], "")?;
        let found = page.body.split("\"id\":\"prd_").skip(1);
        ids.extend(
            found
                .filter_map(|rest| rest.split('"').next())
                .map(|id| format!("prd_{id}")),
        );
        let next = page.text("next_cursor");
        if next.is_empty() {
            ids.dedup();
            return Ok(ids);
        }
        cursor = format!("&cursor={next}");
    }
}

/// Opened again a few times: a shop that has all of it in its files, and nothing in memory.
pub(super) fn again(stand: &Stand, sized: Sized, made: &mut Made) -> io::Result<Sized> {
    let Sized {
        mut shop,
        products,
        admin,
        customers,
        orders,
    } = sized;
    for _ in 0..Plan::wished().rounds {
        let Shop { server, data } = shop;
        drop(server);
        let folder = data.parent().map(Path::to_owned).unwrap_or_default();
        shop = Shop::on(stand, folder, SETTINGS)?;
        made.starts.note(shop.server.started);
    }
    Ok(Sized {
        shop,
        products,
        admin,
        customers,
        orders,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_all_orders_are_the_first_one_s() {
        let of = |customer| {
            (0..8_000)
                .filter(|number| whose(*number) == customer)
                .count()
        };
        assert!((3_700..4_300).contains(&of(0)), "{}", of(0));
        assert!((1_800..2_200).contains(&of(1)), "{}", of(1));
        assert!((0..8_000).all(|number| whose(number) < 20));
    }

    #[test]
    fn names_are_of_many_words() {
        let names: std::collections::BTreeSet<_> = (0..5_000).map(words).collect();
        assert_eq!(names.len(), 576);
    }
}
