//! The others: nginx with files, the smallest program with axum, and shops as seeds describe them, on Express and on
//! Flask with a PostgreSQL. Each in its most favourable usual form.

use super::process::{Server, free_address};
use crate::{ci, parts::Stand, security::tools};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

const EXPRESS: &[&str] = &["express@5.3.0", "pg@8.23.1", "jsonwebtoken@9.0.3"];
const VENDURE: &[&str] = &["@vendure/core@3.7.3", "pg@8.23.1"];
const FLASK: (&str, &str) = ("flask", "3.1.3");
const WITH_FLASK: &[&str] = &[
    "gunicorn==27.0.1",
    "psycopg2-binary==2.9.13",
    "pyjwt==2.15.1",
];

/// What the peers are, for a page.
pub(super) fn versions() -> [String; 3] {
    [
        format!(
            "Express: {}, node {}, 2 processes, 16 connections each",
            EXPRESS.join(", "),
            super::page::said("node", &["--version"])
        ),
        format!(
            "Vendure: {}, its shop API (GraphQL) for reads, 2 processes, 16 connections each",
            VENDURE.join(", ")
        ),
        format!(
            "Flask: {}=={}, {}, 2 processes of 16 threads",
            FLASK.0,
            FLASK.1,
            WITH_FLASK.join(", ")
        ),
    ]
}

/// nginx on a folder.
pub(super) fn nginx(program: &Path, folder: &Path) -> io::Result<Server> {
    let address = free_address()?;
    let own = folder.display();
    let settings = format!(
        "user root;\nworker_processes 2;\ndaemon off;\npid {own}/nginx.pid;\nerror_log {own}/nginx.error;\n\
         events {{ worker_connections 1024; }}\nhttp {{\n  types {{ application/json json; }}\n  access_log off;\n  \
         sendfile on;\n  tcp_nopush on;\n  tcp_nodelay on;\n  keepalive_requests 1000000000;\n  \
         open_file_cache max=100;\n  open_file_cache_valid 1h;\n  client_body_temp_path {own}/body;\n  \
         proxy_temp_path {own}/proxy;\n  fastcgi_temp_path {own}/fastcgi;\n  uwsgi_temp_path {own}/uwsgi;\n  \
         scgi_temp_path {own}/scgi;\n  server {{ listen {address}; root {own}; }}\n}}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, settings)?;
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).arg("-c").arg(&file);
    let log = folder.join("nginx.log");
    Server::start(&mut command, address, "/product.json", &log)
}

/// Builds the smallest program with axum, in its own workspace.
pub(super) fn smallest(stand: &Stand) -> io::Result<PathBuf> {
    let folder = stand.root.join("bench/peers/axum");
    let target = stand.folder.join("axum");
    let words = ["build", "--quiet", "--release", "--locked", "--target-dir"];
    let status = ci::cargo(&folder, &words).arg(&target).status()?;
    match status.success() {
        true => Ok(target.join("release/axum-peer")),
        false => Err(io::Error::other("the program with axum could not be built")),
    }
}

pub(super) fn smallest_server(program: &Path, folder: &Path) -> io::Result<Server> {
    let address = free_address()?;
    let mut command = Command::new(program);
    command.arg(&address).arg(folder);
    Server::start(
        &mut command,
        address,
        "/product.json",
        &folder.join("axum.log"),
    )
}

/// A shop on Express; an error says what is not here.
pub(super) fn express(
    stand: &Stand,
    database: &str,
    folder: &Path,
) -> io::Result<Result<Server, String>> {
    let packages = match tools::npm(stand, "express", EXPRESS)? {
        Ok(packages) => packages,
        Err(missing) => return Ok(Err(missing)),
    };
    let address = free_address()?;
    let port = address.rsplit(':').next().unwrap_or_default().to_owned();
    let mut command = Command::new("node");
    command
        .arg(stand.root.join("bench/peers/express/shop.cjs"))
        .env("NODE_PATH", packages.join("node_modules"))
        .env("NODE_ENV", "production")
        .env("PORT", port)
        .env("DATABASE_URL", database);
    let log = folder.join("express.log");
    Server::start(&mut command, address, "/products?limit=1", &log).map(Ok)
}

/// A shop on Flask; an error says what is not here.
pub(super) fn flask(
    stand: &Stand,
    database: &str,
    folder: &Path,
) -> io::Result<Result<Server, String>> {
    let program = match tools::python_with(stand, "gunicorn", FLASK, WITH_FLASK)? {
        Ok(program) => program,
        Err(missing) => return Ok(Err(missing)),
    };
    let address = free_address()?;
    let mut command = Command::new(program);
    command
        .current_dir(stand.root.join("bench/peers/flask"))
        .args([
            "--workers",
            "2",
            "--threads",
            "16",
            "--keep-alive",
            "60",
            "--bind",
            &address,
        ])
        .args(["--log-level", "warning", "shop:app"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SECRET", "as long as it has to be for HS256, and no secret")
        .env("DATABASE_URL", database);
    let log = folder.join("flask.log");
    Server::start(&mut command, address, "/products?limit=1", &log).map(Ok)
}

/// A shop on Vendure with so many products; an error says what is not here.
pub(super) fn vendure(
    stand: &Stand,
    database: &str,
    (folder, products): (&Path, u32),
) -> io::Result<Result<Server, String>> {
    let packages = match tools::npm(stand, "vendure", VENDURE)? {
        Ok(packages) => packages,
        Err(missing) => return Ok(Err(missing)),
    };
    let address = free_address()?;
    let port = address.rsplit(':').next().unwrap_or_default().to_owned();
    let mut command = Command::new("node");
    command
        .arg(stand.root.join("bench/peers/vendure/shop.cjs"))
        .current_dir(folder)
        .env("NODE_PATH", packages.join("node_modules"))
        .env("NODE_ENV", "production")
        .env("PORT", port)
        .env("PRODUCTS", products.to_string())
        .env("FOLDER", folder)
        .env("DATABASE_URL", database);
    let log = folder.join("vendure.log");
    Server::start(&mut command, address, "/health", &log).map(Ok)
}
