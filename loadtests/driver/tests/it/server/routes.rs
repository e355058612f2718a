//! The test shop's URLs: those of the order and inventory services that the driver uses.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use contracts::{
    Currency, Money, Sku, Timestamp,
    catalogue::{Product, PutProduct},
    consistency::{AGE_MS, LEVEL, SERVED_BY, SESSION, VERSION},
    order::{Order, OrderStatus, PlaceOrder},
    page::Page,
    problem::{Fault, MEDIA_TYPE, Problem},
    stock::{Adjust, Stock},
};
use futures::stream;
use serde::Deserialize;

use super::{Fate, State, TOKEN};

type Shop = web::Data<State>;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.route("/orders", web::post().to(place))
        .route("/orders", web::get().to(list))
        .route("/products", web::get().to(products))
        .route("/products/{sku}", web::put().to(put_product))
        .route("/products/{sku}", web::get().to(product))
        .route("/livez", web::get().to(HttpResponse::NoContent))
        .route("/metrics", web::get().to(metrics))
        .route("/stock/{sku}", web::get().to(stock))
        .route("/stock/{sku}/adjustments", web::post().to(adjust));
}

async fn place(shop: Shop, request: HttpRequest, body: web::Json<PlaceOrder>) -> HttpResponse {
    let body = body.into_inner();
    if let Some(refusal) = refusal(&shop, &body) {
        return refusal;
    }
    let under_way = shop.under_way.fetch_add(1, SeqCst) + 1;
    shop.most_under_way.fetch_max(under_way, SeqCst);
    let fate = (shop.gate)(shop.requests.fetch_add(1, SeqCst));
    if let Fate::AnswerAt(time) = fate {
        tokio::time::sleep_until(time.into()).await;
    }
    shop.under_way.fetch_sub(1, SeqCst);
    if let Fate::Status(status) = fate {
        return HttpResponse::build(status.try_into().unwrap()).finish();
    }
    let order = shop.books.open().place(header(&request, "idempotency-key"), body);
    let mut answer = HttpResponse::Accepted();
    answer.insert_header(("location", format!("/orders/{}", order.id)));
    match fate {
        Fate::Cut => {
            let pieces = [Ok(Bytes::from_static(b"{\"id\":")), Err(std::io::Error::other("cut off"))];
            answer.streaming(stream::iter(pieces))
        }
        _ => answer.json(order),
    }
}

/// As the order service: every unknown SKU is a fault, and a quantity of 0 another one.
fn refusal(shop: &State, body: &PlaceOrder) -> Option<HttpResponse> {
    let page = shop.books.open();
    let mut errors = Vec::new();
    for (n, line) in body.lines.iter().enumerate() {
        if !page.products.is_empty() && !page.products.contains_key(line.sku.as_str()) {
            errors.push(Fault::at(format!("/lines/{n}/sku"), "is not in the catalogue"));
        }
        if line.quantity.as_i64() == Some(0) {
            errors.push(Fault::at(format!("/lines/{n}/quantity"), "must be a whole number from 1"));
        }
    }
    (!errors.is_empty()).then(|| problem(400, "the order has faults", errors))
}

fn problem(status: u16, detail: &str, errors: Vec<Fault>) -> HttpResponse {
    let kind = "urn:plumbline:problem:invalid-request".to_owned();
    let problem =
        Problem { kind, title: "Refused".to_owned(), status, detail: detail.to_owned(), errors, lacking: Vec::new() };
    HttpResponse::build(status.try_into().unwrap()).content_type(MEDIA_TYPE).json(problem)
}

fn header<'r>(request: &'r HttpRequest, name: &str) -> &'r str {
    request.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[derive(Deserialize)]
struct Listing {
    placed_after: Timestamp,
    status: Option<OrderStatus>,
    limit: usize,
    cursor: Option<usize>,
}

async fn list(shop: Shop, query: web::Query<Listing>) -> web::Json<Page<Order>> {
    let page = shop.books.open();
    let from = query.cursor.unwrap_or(0);
    let wanted = |order: &&Order| {
        order.placed_at > query.placed_after && query.status.is_none_or(|status| status == order.status)
    };
    let items: Vec<Order> = page.orders.iter().filter(wanted).skip(from).take(query.limit).cloned().collect();
    let next_cursor = (items.len() == query.limit).then(|| (from + items.len()).to_string());
    web::Json(Page { items, next_cursor })
}

#[derive(Deserialize)]
struct Paging {
    limit: usize,
    cursor: Option<usize>,
}

async fn products(shop: Shop, query: web::Query<Paging>) -> web::Json<Page<Product>> {
    let page = shop.books.open();
    let from = query.cursor.unwrap_or(0);
    let items: Vec<Product> = page.products.values().skip(from).take(query.limit).cloned().collect();
    let next_cursor = (items.len() == query.limit).then(|| (from + items.len()).to_string());
    web::Json(Page { items, next_cursor })
}

fn is_operator(request: &HttpRequest) -> bool {
    header(request, "authorization") == format!("Bearer {TOKEN}")
}

async fn put_product(
    shop: Shop,
    request: HttpRequest,
    sku: web::Path<Sku>,
    body: web::Json<PutProduct>,
) -> HttpResponse {
    if !is_operator(&request) {
        return problem(401, "the operator token is missing or wrong", Vec::new());
    }
    let unit_price = Money { minor: body.unit_price.minor.as_i64().unwrap(), currency: Currency::GBP };
    let product = Product { sku: sku.clone(), name: body.name.clone(), unit_price, version: 1 };
    let mut page = shop.books.open();
    page.puts += 1;
    page.products.insert(sku.into_inner(), product.clone());
    HttpResponse::Ok().json(product)
}

async fn product(shop: Shop, sku: web::Path<Sku>) -> HttpResponse {
    match shop.books.open().products.get(&*sku) {
        Some(product) => told("cache", Duration::from_millis(7), product.version).json(product),
        None => problem(404, "there is no such product", Vec::new()),
    }
}

/// As the inventory service, with a copy for whom it may answer.
async fn stock(shop: Shop, request: HttpRequest, sku: web::Path<Sku>) -> HttpResponse {
    let mut page = shop.books.open();
    if !page.products.contains_key(&*sku) {
        return problem(404, "there is no such product", Vec::new());
    }
    let level = header(&request, LEVEL);
    page.loads += u64::from(level == "session");
    let behind = page.behind.filter(|_| level == "eventual" || page.lies);
    let old = behind.and_then(|behind| page.stock_before(&sku, behind));
    let (by, age) = if page.lies || old.is_none() { ("primary", None) } else { ("replica", behind) };
    let stock = old.unwrap_or_else(|| {
        let available = page.stock.get(&*sku).copied().unwrap_or(0);
        let version = page.stocks.get(&*sku).map_or(0, Vec::len).max(1) as i64;
        Stock { sku: sku.into_inner(), available, reserved: 0, version }
    });
    told(by, age.unwrap_or_default(), stock.version).json(stock)
}

/// An answer that says of itself what a read does.
fn told(by: &str, age: Duration, version: i64) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer.insert_header((SERVED_BY, by)).insert_header((AGE_MS, age.as_millis().to_string()));
    answer.insert_header((VERSION, version.to_string())).insert_header((SESSION, "session"));
    answer
}

async fn metrics(shop: Shop) -> String {
    let loads = shop.books.open().loads;
    format!("plumbline_cache_load_seconds_count{{plumbline_cache_kind=\"stock\"}} {loads}\n")
}

async fn adjust(shop: Shop, request: HttpRequest, sku: web::Path<Sku>, body: web::Json<Adjust>) -> HttpResponse {
    if !is_operator(&request) {
        return problem(401, "the operator token is missing or wrong", Vec::new());
    }
    match shop.books.open().adjust(header(&request, "idempotency-key"), &sku, body.into_inner()) {
        Some(made) => HttpResponse::Ok().insert_header((SESSION, "session")).json(made),
        None => problem(422, "the key was used with another body", Vec::new()),
    }
}
