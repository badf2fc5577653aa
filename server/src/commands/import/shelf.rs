//! Where products of a file go: into the catalog of a shop on this machine, or by the public API of one that is
//! elsewhere. Both judge each product by itself and answer the same.

use crate::{
    commands::{
        api::Call,
        daily::{Door, path, said},
    },
    config::Config,
    data::DataFolder,
    shop::open_services,
    wiring::Services,
};
use contracts::{
    BoxError,
    access::SHOP,
    catalog::{CurrencyView, ImportOutcome, ImportProduct, ImportProducts, ImportedProducts},
    import::ROWS_MAX,
    values::{Currency, Page},
};
use platform::tasks::Tasks;

/// Products in one commit.
pub(super) const BATCH: usize = 500;

/// The longest request, if several products are in it: half of what a shop reads. Whoever sends more than a shop reads
/// may find the connection closed before the refusal has come (RFC 9110, 15.5.14).
const REQUEST_BYTES_MAX: usize = 512 * 1_024;

pub(super) type Outcome = Result<ImportOutcome, String>;

/// What products are written to.
pub(super) enum Shelf {
    Near(Box<Shop>),
    Far(Door),
}

/// A shop that is opened for this.
pub(super) struct Shop {
    services: Services,
    /// What the services have under way ends with it.
    _work: Tasks,
    /// Where a dry run without a shop takes place.
    _nowhere: Option<DataFolder>,
}

impl Shelf {
    /// The one of this machine. A dry run leaves nothing behind, not even an empty shop.
    pub(super) async fn near(mut config: Config, commit: bool) -> Result<Self, BoxError> {
        let nowhere = if commit || shop_is_there(&config) {
            None
        } else {
            Some(DataFolder::temporary()?)
        };
        if let Some(folder) = &nowhere {
            config.db = format!("sqlite:{}", folder.path().display());
        }
        let (services, work) = open_services(&config, false).await?;
        Ok(Self::Near(Box::new(Shop {
            services,
            _work: work,
            _nowhere: nowhere,
        })))
    }

    /// The one behind this door, and what it sells in.
    pub(super) async fn far(door: Door) -> Result<(Self, Currency), BoxError> {
        let all: Page<CurrencyView> = door.read(&path(&["currencies"])?).await?;
        let own = all.data.first().ok_or("the shop sells in no currency")?;
        Ok((Self::Far(door), own.currency))
    }

    /// An outcome for each, in order.
    pub(super) async fn take(
        &self,
        products: Vec<ImportProduct>,
        commit: bool,
    ) -> Result<Vec<Outcome>, BoxError> {
        match self {
            Self::Near(shop) => {
                let catalog = &shop.services.catalog;
                catalog.import_products(SHOP, products, commit).await
            }
            Self::Far(door) => {
                let mut outcomes = Vec::with_capacity(products.len());
                for some in products.chunks(ROWS_MAX) {
                    send(door, some, commit, &mut outcomes).await?;
                }
                Ok(outcomes)
            }
        }
    }
}

/// As many at a time as are not too long together.
async fn send(
    door: &Door,
    mut rest: &[ImportProduct],
    commit: bool,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), BoxError> {
    let mut size = rest.len();
    while !rest.is_empty() {
        let (now, then) = rest.split_at(size.clamp(1, rest.len()));
        let wish = ImportProducts {
            dry_run: !commit,
            rows: now.to_vec(),
        };
        let (path, body) = (path(&["products", "import"])?, serde_json::to_value(&wish)?);
        if now.len() > 1 && body.to_string().len() > REQUEST_BYTES_MAX {
            size = now.len().div_euclid(2);
            continue;
        }
        let answer = door.ask(Call::post(&path, &body)).await?;
        match answer.status {
            200 => {
                let judged: ImportedProducts = serde_json::from_value(answer.body)?;
                if judged.data.len() != now.len() {
                    return Err("the shop judged more or fewer products than it got".into());
                }
                outcomes.extend(judged.data.into_iter().map(Outcome::from));
            }
            413 if now.len() > 1 => {
                size = now.len().div_euclid(2);
                continue;
            }
            413 => outcomes.push(Err("it is too long for one request".to_owned())),
            _ => return Err(said(&answer)),
        }
        rest = then;
    }
    Ok(())
}

fn shop_is_there(config: &Config) -> bool {
    config
        .data_folder()
        .is_none_or(|folder| folder.join("catalog.sqlite").is_file())
}
