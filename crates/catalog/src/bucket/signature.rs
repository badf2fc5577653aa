//! How requests to S3 are signed (Signature Version 4, in the head). It asks nobody.

use contracts::values::Timestamp;
use platform::digest;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SIGNED: &str = "host;x-amz-content-sha256;x-amz-date";

/// Who signs, and for where.
pub(super) struct Signer<'s> {
    pub(super) key_id: &'s str,
    pub(super) secret: &'s str,
    pub(super) region: &'s str,
}

/// What is signed of a request.
pub(super) struct Signed<'r> {
    pub(super) method: &'r str,
    pub(super) host: &'r str,
    /// As it stands in the request line.
    pub(super) path: &'r str,
    /// The same, without the question mark.
    pub(super) query: &'r str,
}

/// The fields that a request needs in its head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) content_sha256: String,
    pub(super) date: String,
    pub(super) authorization: String,
}

impl Signer<'_> {
    pub(super) fn sign(&self, request: &Signed<'_>, body: &[u8], at: Timestamp) -> Fields {
        let content_sha256 = hex(&sha256(body));
        let date = moment(at);
        let day = date.split('T').next().unwrap_or_default();
        let Signed {
            method,
            host,
            path,
            query,
        } = request;
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{content_sha256}\nx-amz-date:{date}\n\n\
             {SIGNED}\n{content_sha256}"
        );
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let text = format!(
            "{ALGORITHM}\n{date}\n{scope}\n{}",
            hex(&sha256(canonical.as_bytes()))
        );
        let first = format!("AWS4{}", self.secret).into_bytes();
        let parts = [day, self.region, "s3", "aws4_request"];
        let key = parts.iter().fold(first, |key, part| {
            digest::hmac_sha256_of(&key, part.as_bytes()).to_vec()
        });
        let signature = hex(&digest::hmac_sha256_of(&key, text.as_bytes()));
        Fields {
            authorization: format!(
                "{ALGORITHM} Credential={}/{scope},SignedHeaders={SIGNED},Signature={signature}",
                self.key_id
            ),
            content_sha256,
            date,
        }
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::sha256_of(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `20130524T000000Z`.
fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    let whole = text.split(['.', 'Z']).next().unwrap_or_default();
    let plain: String = whole
        .chars()
        .filter(|one| one.is_ascii_digit() || *one == 'T')
        .collect();
    format!("{plain}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the documents of S3 give, with the keys that they give.
    #[test]
    fn a_request_is_signed_as_the_documents_sign_it() {
        let signer = Signer {
            key_id: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
        };
        let request = Signed {
            method: "GET",
            host: "examplebucket.s3.amazonaws.com",
            path: "/",
            query: "lifecycle=",
        };
        let at = "2013-05-24T00:00:00Z".to_owned();
        let at = Timestamp::try_from(std::borrow::Cow::from(at)).unwrap();
        let fields = signer.sign(&request, b"", at);
        assert_eq!(fields.date, "20130524T000000Z");
        assert_eq!(
            fields.content_sha256,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        let said = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
                    SignedHeaders=host;x-amz-content-sha256;x-amz-date,\
                    Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543";
        assert_eq!(fields.authorization, said);
    }
}
