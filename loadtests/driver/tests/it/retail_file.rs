//! The real file, and files that are broken.

use std::{io::Write, path::PathBuf};

use driver::retail::{Happening, ReadError, Retail, Skip};
use flate2::{Compression, write::GzEncoder};
use time::macros::datetime;

const HEADER: &str = "invoice,stock_code,description,quantity,invoiced_at,unit_price,customer_id,country\n";

pub(crate) fn december() -> Retail {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data/online-retail-2010-12.csv.gz");
    Retail::read(&path).unwrap()
}

fn read(content: &[u8]) -> Result<Retail, ReadError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    Retail::read(file.path())
}

fn lines(lines: &str) -> Result<Retail, ReadError> {
    read(format!("{HEADER}{lines}").as_bytes())
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn december_2010_line_by_line() {
    let Retail { products, happenings, reading } = december();
    assert_eq!((reading.lines, reading.invoices, reading.cancellations), (42_481, 2_025, 326));
    assert_eq!((reading.products, reading.orders, reading.order_lines), (2_722, 1_550, 41_315));
    assert_eq!((reading.returns, reading.return_lines), (295, 688));
    let skipped =
        [Skip::NotGoods, Skip::WriteOff, Skip::NoPrice, Skip::UnknownReturn].map(|why| reading.skipped.of(why));
    assert_eq!(skipped, [195, 70, 203, 10]);
    assert_eq!(reading.skipped.total(), 478);
    assert_eq!(reading.order_lines + reading.return_lines + reading.skipped.total(), reading.lines);
    assert_eq!(reading.orders + reading.returns + reading.invoices_skipped, reading.invoices);
    assert_eq!(products.len(), 2_722);
    assert_eq!(products.iter().map(|product| product.demand).sum::<u64>(), 358_749);
    assert_eq!(happenings.len(), 1_845);
    assert!(happenings.is_sorted_by_key(Happening::at));
}

#[test]
fn the_first_order_and_the_best_seller_are_known() {
    let retail = december();
    let first = retail.sales().next().unwrap();
    assert_eq!(first.invoice, "536365");
    assert_eq!(first.at, datetime!(2010-12-01 08:26));
    assert_eq!(first.customer.as_ref().unwrap().as_str(), "17850");
    assert_eq!(first.lines.len(), 7);
    assert_eq!((first.lines[0].sku.as_str(), first.lines[0].quantity.get()), ("85123A", 6));
    let heart = retail.products.iter().find(|product| product.sku.as_str() == "85123A").unwrap();
    assert_eq!((heart.name.as_str(), heart.price_pence), ("WHITE HANGING HEART T-LIGHT HOLDER", 295));
    assert_eq!(retail.sales().map(|sale| sale.lines.len()).max(), Some(674));
}

#[test]
fn codes_that_differ_in_case_are_one_product_with_its_most_frequent_name_and_price() {
    let retail = lines(
        "1,85123a,HEART,1,2010-12-01T08:00,2.55,,UK\n\
         1, 85123A ,HEART,2,2010-12-01T08:00,2.554,,UK\n\
         2,85123A,LOST,3,2010-12-01T08:01,9.99,7,UK\n",
    )
    .unwrap();
    let [product] = &retail.products[..] else { panic!("{:?}", retail.products) };
    assert_eq!(
        (product.sku.as_str(), product.name.as_str(), product.price_pence, product.demand),
        ("85123A", "HEART", 255, 6)
    );
}

#[test]
fn every_skip_has_its_reason() {
    let retail = lines(
        "1,POST,POSTAGE,1,2010-12-01T08:00,18,,F\n\
         1,,NAMELESS,1,2010-12-01T08:00,18,,F\n\
         1,A,A,0,2010-12-01T08:00,1,,F\n\
         1,A,A,1,2010-12-01T08:00,0.004,,F\n\
         1,A,A,1000001,2010-12-01T08:00,1,,F\n\
         C2,A,A,1,2010-12-01T08:00,1,,F\n\
         C2,A,A,-1,2010-12-01T08:00,1,,F\n",
    )
    .unwrap();
    let all = [
        Skip::NotGoods,
        Skip::NoSku,
        Skip::WriteOff,
        Skip::NoPrice,
        Skip::TooMany,
        Skip::NothingReturned,
        Skip::UnknownReturn,
    ];
    assert!(all.iter().all(|&why| retail.reading.skipped.of(why) == 1), "{:?}", retail.reading);
    assert_eq!((retail.reading.orders, retail.reading.returns, retail.reading.invoices_skipped), (0, 0, 2));
}

#[test]
fn an_invoice_longer_than_an_order_may_be_is_left_out() {
    let long = "1,A,A,1,2010-12-01T08:00,1,,F\n".repeat(1_001);
    let retail = lines(&format!("{long}2,A,A,1,2010-12-01T08:01,1,,F\n")).unwrap();
    assert_eq!((retail.reading.skipped.of(Skip::LongInvoice), retail.reading.orders), (1_001, 1));
}

#[test]
fn faults_name_line_and_column() {
    let fault = |text: &str| lines(text).unwrap_err().to_string();
    let good = "1,A,A,1,2010-12-01T08:00,1,,F\n";
    assert_eq!(
        fault(&format!("{good}1,A,A,six,2010-12-01T08:00,1,,F\n")),
        "line 3: column \"quantity\": \"six\" is no whole number"
    );
    assert_eq!(
        fault("1,A,A,1,yesterday,1,,F\n"),
        "line 2: column \"invoiced_at\": \"yesterday\" is no time such as 2010-12-01T08:26"
    );
    assert_eq!(
        fault("1,A,A,1,2010-12-01T08:00,cheap,,F\n"),
        "line 2: column \"unit_price\": \"cheap\" is no decimal number"
    );
    assert!(fault("1,A,A,1,2010-12-01T08:00,1,a b,F\n").starts_with("line 2: column \"customer_id\": \"a b\""));
    assert_eq!(fault(&format!("{good}{good}1,A\n")), "line 4: has 2 fields, the header has 8");
    assert_eq!(fault(""), "the file has no lines");
    assert_eq!(read(b"").unwrap_err().to_string(), "the file has no lines");
    let missing = read(b"invoice,stock_code,quantity\n1,A,1\n").unwrap_err().to_string();
    assert_eq!(missing, "line 1: column \"description\" is missing; the file has invoice, stock_code, quantity");
    let latin = [HEADER.as_bytes(), b"1,A,\xa3,1,2010-12-01T08:00,1,,F\n"].concat();
    assert_eq!(read(&latin).unwrap_err().to_string(), "line 2: column \"description\" is not UTF-8");
    assert!(Retail::read("/nowhere.csv".as_ref()).unwrap_err().to_string().starts_with("cannot open /nowhere.csv"));
}

#[test]
fn a_truncated_or_broken_archive_is_told_with_the_last_whole_line() {
    let many: String = (0..20_000).map(|n| format!("{n},SKU-{n},THING {n},1,2010-12-01T08:00,1.{n:02},,F\n")).collect();
    let whole = gzip(format!("{HEADER}{many}").as_bytes());
    assert_eq!(read(&whole).unwrap().reading.lines, 20_000);
    let error = read(&whole[..whole.len() / 2]).unwrap_err();
    assert!(matches!(error, ReadError::Truncated { line } if (1_000..20_000).contains(&line)), "{error}");
    let mut flipped = whole.clone();
    flipped.iter_mut().skip(whole.len() / 2).take(64).for_each(|byte| *byte ^= 0x55);
    let error = read(&flipped).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Broken { .. } | ReadError::Field { .. } | ReadError::Fields { .. } | ReadError::NotUtf8 { .. }
        ),
        "{error}"
    );
}
