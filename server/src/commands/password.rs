//! A password from standard input or the terminal; never from the command line, where others can read it.

use contracts::BoxError;
use secrecy::SecretString;
use std::io::{BufRead, IsTerminal};

pub(super) fn read(prompt: &str) -> Result<SecretString, BoxError> {
    let text = if std::io::stdin().is_terminal() {
        rpassword::prompt_password(prompt)?
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        line
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err("no password came on standard input".into());
    }
    Ok(SecretString::from(text))
}
