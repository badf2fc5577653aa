//! Where each service keeps its rows, from the one address in the configuration: a file of its own in a folder, or
//! a schema of its own on a PostgreSQL server that several nodes share.

use crate::config::Config;
use contracts::BoxError;
use platform::{
    db::{Place, postgres},
    tasks::Tasks,
};
use std::path::{Path, PathBuf};

/// Gives each service its place.
pub(crate) struct Places<'a> {
    config: &'a Config,
    folder: Option<&'a Path>,
    tasks: &'a Tasks,
    node: String,
}

impl<'a> Places<'a> {
    pub(crate) const fn new(
        config: &'a Config,
        folder: Option<&'a Path>,
        tasks: &'a Tasks,
    ) -> Self {
        Self {
            config,
            folder,
            tasks,
            node: String::new(),
        }
    }

    /// For a node, which says what it is.
    pub(crate) fn of_node(mut self, node: String) -> Self {
        self.node = node;
        self
    }

    /// The folder for what is no row; the one that the process runs in, if it has no other.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.unwrap_or_else(|| Path::new("."))
    }

    /// The place of the service of this name.
    ///
    /// # Errors
    /// When there is no folder for it.
    pub(crate) fn of(&self, service: &'static str) -> Result<Place, BoxError> {
        if self.config.database_is_shared() {
            Ok(Place::Postgres(postgres::Place {
                url: self.config.db.clone().into(),
                schema: service,
                options: self.config.postgres,
                tasks: self.tasks.clone(),
                node: self.node.clone(),
            }))
        } else {
            Ok(Place::Sqlite(self.path(service)?, self.config.sqlite))
        }
    }

    fn path(&self, service: &str) -> Result<PathBuf, BoxError> {
        let folder = self
            .folder
            .ok_or("the configuration names no data folder")?;
        Ok(folder.join(format!("{service}.sqlite")))
    }
}
