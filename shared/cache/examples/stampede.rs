//! What a stampede costs, and how fast one reads, with this crate and with others, in turn in one run.
//!
//! `stampede HOST:PORT [SECONDS]`, with a memcached that holds nothing of value there.

use std::{
    convert::Infallible,
    env,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cache::{Acceptable, Cache, Config, Key, Kind, Loaded, Policy, Stamp, now};
use coordination::settings::Setting;
use futures::future::join_all;
use memcache::exp::{AsyncMemcache, AsyncMetaClient, Ttl};

const CALLERS: usize = 1_000;
const INSTANCES: usize = 3;
const LOAD: Duration = Duration::from_millis(30);
const READERS: usize = 64;
const KEYS: usize = 1_000;
const TTL: Duration = Duration::from_secs(60);

type Fault = Box<dyn Error + Send + Sync>;

/// A product's page, as it is shown.
struct Page;

impl Kind for Page {
    const NAME: &'static str = "page";
    const SCHEMA: u16 = 1;
    type Value = String;
}

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = env::args().collect();
    let address = arguments.get(1).ok_or("stampede HOST:PORT [SECONDS]")?.clone();
    let seconds = arguments.get(2).map_or(Ok(5), |text| text.parse())?;
    println!("{CALLERS} callers over {INSTANCES} instances, a load of {LOAD:?}");
    for round in 0..3 {
        report("ours", stampede(ours(&address)?, &format!("ours-{round}"), get).await?);
        report("the client's fetch", stampede(fetchers(&address).await?, &format!("fetch-{round}"), fetch).await?);
        report("plain cache-aside", stampede(plain(&address).await?, &format!("plain-{round}"), aside).await?);
    }
    println!("{READERS} readers of {KEYS} keys, {seconds} s each");
    for _ in 0..2 {
        let caches = ours(&address)?;
        fill(&caches[0]).await?;
        let many = reads(seconds, |reader| read_ours(caches[0].clone(), reader)).await?;
        let raw = AsyncMetaClient::builder().max_idle(READERS).connect_async(address.as_str()).await?;
        let bare = reads(seconds, |reader| read_raw(raw.clone(), reader)).await?;
        let classic = memcache::Client::builder()
            .add_server(format!("memcache://{address}"))?
            .with_max_pool_size(READERS as u32)
            .build()?;
        let blocking = reads(seconds, |reader| read_classic(classic.clone(), reader)).await?;
        println!(
            "ours {many:8.0}/s, the asynchronous client alone {bare:8.0}/s, the blocking one {blocking:8.0}/s; {:.2} times the last",
            many / blocking
        );
    }
    Ok(())
}

/// What a stampede came to.
struct Stampede {
    loads: usize,
    waits: Vec<Duration>,
}

fn report(what: &str, Stampede { loads, mut waits }: Stampede) {
    waits.sort();
    let at = |share: usize| waits[(waits.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!(
        "{what:20} {loads:5} loads, wait p50 {:6.1} ms, p99 {:6.1} ms, longest {:6.1} ms",
        at(50),
        at(99),
        at(100)
    );
}

/// All callers at once want a key that has expired.
async fn stampede<C, F>(
    instances: Vec<C>,
    name: &str,
    read: impl Fn(C, String, Arc<AtomicUsize>) -> F,
) -> Result<Stampede, Fault>
where
    C: Clone,
    F: Future<Output = Result<String, Fault>> + Send + 'static,
{
    // Connections are open, as they are in a service that runs.
    for (instance, one) in instances.iter().enumerate() {
        read(one.clone(), format!("warm-{name}-{instance}"), Arc::default()).await?;
    }
    let loads = Arc::new(AtomicUsize::new(0));
    let callers = (0..CALLERS).map(|caller| {
        let reading = read(instances[caller % INSTANCES].clone(), name.to_owned(), Arc::clone(&loads));
        tokio::spawn(async move {
            let since = Instant::now();
            reading.await.map(|_| since.elapsed())
        })
    });
    let waits = join_all(callers).await.into_iter().map(|wait| wait?).collect::<Result<_, Fault>>()?;
    Ok(Stampede { loads: loads.load(Ordering::Relaxed), waits })
}

async fn load(loads: Arc<AtomicUsize>) -> String {
    loads.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(LOAD).await;
    page(0)
}

fn page(number: usize) -> String {
    format!("{number} {}", "a product that is bought together with others; ".repeat(4))
}

fn ours(address: &str) -> Result<Vec<Cache>, Fault> {
    let config = Config { patience: Duration::from_secs(1), ..Config::new([address]) };
    let cache = || Cache::fixed(config.clone(), Policy::Aside, Setting::fixed(TTL));
    Ok((0..INSTANCES).map(|_| cache()).collect::<Result<_, _>>()?)
}

async fn get(cache: Cache, name: String, loads: Arc<AtomicUsize>) -> Result<String, Fault> {
    let load = || async move {
        let value = Some(load(loads).await);
        Ok::<_, Infallible>(Loaded { value, stamp: Stamp { read_at: now(), ..Stamp::default() }, lags: false })
    };
    let cached = cache.get_or_load(&Key::<Page>::new(name), &Acceptable::any(), load).await?;
    Ok(cached.value.as_deref().cloned().unwrap_or_default())
}

async fn fetchers(address: &str) -> Result<Vec<AsyncMemcache>, Fault> {
    let connect = |_| async { AsyncMemcache::builder().max_idle(64).connect_async([address]).await };
    Ok(join_all((0..INSTANCES).map(connect)).await.into_iter().collect::<Result<_, _>>()?)
}

async fn fetch(client: AsyncMemcache, name: String, loads: Arc<AtomicUsize>) -> Result<String, Fault> {
    Ok(client.fetch(name, Ttl::secs(60), async move { Ok::<_, Infallible>(load(loads).await) }).await?)
}

async fn plain(address: &str) -> Result<Vec<AsyncMetaClient>, Fault> {
    let connect = |_| AsyncMetaClient::builder().max_idle(64).connect_async(address);
    Ok(join_all((0..INSTANCES).map(connect)).await.into_iter().collect::<Result<_, _>>()?)
}

async fn aside(client: AsyncMetaClient, name: String, loads: Arc<AtomicUsize>) -> Result<String, Fault> {
    if let Some(value) = client.get(&name).send().await?.value {
        return Ok(String::from_utf8(value)?);
    }
    let value = load(loads).await;
    client.set(&name, &value).ttl(Ttl::secs(60)).send().await?;
    Ok(value)
}

/// Reads as fast as readers can, each of one key after the other; how many a second.
async fn reads<F>(seconds: u64, read: impl Fn(usize) -> F) -> Result<f64, Fault>
where
    F: Future<Output = Result<u64, Fault>> + Send + 'static,
{
    END.store(0, Ordering::Relaxed);
    let since = Instant::now();
    let readers: Vec<_> = (0..READERS).map(|reader| tokio::spawn(read(reader))).collect();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    END.store(1, Ordering::Relaxed);
    let mut count = 0;
    for reader in readers {
        count += reader.await??;
    }
    Ok(count as f64 / since.elapsed().as_secs_f64())
}

/// Not 0 when readers are to end.
static END: AtomicU64 = AtomicU64::new(0);

fn is_going_on() -> bool {
    END.load(Ordering::Relaxed) == 0
}

/// What all readers read, by ours and as it is for the others.
async fn fill(cache: &Cache) -> Result<(), Fault> {
    let keys: Vec<Key<Page>> = (0..KEYS).map(|number| Key::new(format!("p{number}"))).collect();
    let load = |keys: Vec<Key<Page>>| async move {
        let stamp = Stamp { read_at: now(), ..Stamp::default() };
        let each = keys.iter().enumerate().map(|(number, _)| Loaded { value: Some(page(number)), stamp, lags: false });
        Ok::<_, Infallible>(each.collect())
    };
    cache.get_many_or_load(&keys, &Acceptable::any(), load).await?;
    while cache.get(&keys[KEYS - 1], &Acceptable::any()).await.is_none() {
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn read_ours(cache: Cache, reader: usize) -> Result<u64, Fault> {
    let mut count = 0;
    let acceptable = Acceptable::any();
    while is_going_on() {
        let key = Key::<Page>::new(format!("p{}", (reader * 7 + count as usize) % KEYS));
        let load = || async { Err::<Loaded<String>, _>("all are cached") };
        cache.get_or_load(&key, &acceptable, load).await?.value.ok_or("no value")?;
        count += 1;
    }
    Ok(count)
}

async fn read_raw(client: AsyncMetaClient, reader: usize) -> Result<u64, Fault> {
    let mut count = 0;
    while is_going_on() {
        let key = format!("plumbline/page.1:p{}", (reader * 7 + count as usize) % KEYS);
        client.get(key).send().await?.value.ok_or("no value")?;
        count += 1;
    }
    Ok(count)
}

async fn read_classic(client: memcache::Client, reader: usize) -> Result<u64, Fault> {
    let mut count = 0;
    while is_going_on() {
        let key = format!("plumbline/page.1:p{}", (reader * 7 + count as usize) % KEYS);
        let client = client.clone();
        let read = tokio::task::spawn_blocking(move || client.get::<Vec<u8>>(&key)).await?;
        read?.ok_or("no value")?;
        count += 1;
    }
    Ok(count)
}
