//! How a server stops.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::{
    client::{Answer, Request},
    shop::Shop,
};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_in_hand_is_answered_and_no_other_is_taken() {
    let shop = Shop::open();
    let (address, slow) = (shop.address(), Arc::clone(&shop.slow));
    let answer = tokio::spawn(async move { Request::new("GET", "/slow").send(address).await });
    timeout(PATIENCE, slow.begun.notified()).await.unwrap();

    let closing = tokio::spawn(shop.close());
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await
        }
    };
    timeout(PATIENCE, refused).await.expect("a server that stops takes no connection");
    assert!(!answer.is_finished() && !closing.is_finished());

    slow.go_on.notify_one();
    let answer = timeout(PATIENCE, answer).await.unwrap().unwrap();
    assert_eq!((answer.status, answer.text()), (200, "done"));
    timeout(PATIENCE, closing).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_does_not_hold_it_up() {
    let shop = Shop::open();
    let mut connection = TcpStream::connect(shop.address()).await.unwrap();
    connection.write_all(b"GET /livez HTTP/1.1\r\nHost: shop\r\n\r\n").await.unwrap();
    let mut read = vec![0; 4096];
    let length = connection.read(&mut read).await.unwrap();
    assert_eq!(Answer::read(&read[..length]).status, 200);

    let began = Instant::now();
    timeout(PATIENCE, shop.close()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "took {:?} of a bound of 10 s", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_does_not_end_is_given_up_at_the_bound() {
    let shop = Shop::with(None, Duration::from_secs(1));
    let (address, slow) = (shop.address(), Arc::clone(&shop.slow));
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n").await.unwrap();
    timeout(PATIENCE, slow.begun.notified()).await.unwrap();
    timeout(PATIENCE, shop.close()).await.expect("the bound holds");
}
