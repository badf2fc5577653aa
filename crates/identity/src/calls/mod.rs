//! What the others ask of identity when it runs elsewhere: each method of the contract by name, with what crosses.
//! `client` makes these calls, `http::internal` answers them; neither has one that is not here. Passwords and tokens
//! have forms that can be written down here and nowhere else.

mod api_keys;

pub(crate) use api_keys::{
    API_KEY, API_KEYS, CHECK_KEY, KeyMade, MAKE_API_KEY, REVOKE_API_KEY, ROTATE_API_KEY,
};

use contracts::{
    identity::{
        AnswerChallenge, BeginSecondFactor, ChangePassword, ConfirmSecondFactor, DeleteAccount,
        Ended, FactorError, FactorSecret, ForgotPassword, LinkError, Login, LoginError,
        OwnSecurityEventQuery, PasswordError, PatchProfile, ProfileError, ProveTwice,
        RecoveryCodes, RefreshError, RegisterError, RegisterUser, ResetPassword, SecondFactorView,
        SecurityEventError, SecurityEventKind, SecurityEventQuery, SecurityEventView, SessionError,
        SessionQuery, SessionView, SetRoles, SetUserStatus, SetupAdmin, SignedIn, UserCounts,
        UserQuery, UserView, VerifyEmail,
    },
    request::Precondition,
    values::{Counted, Email, Page, SessionId, Timestamp, UserId, Username},
    wire::{Cause, Who},
};
use platform::call::Call;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// The name that peers and paths know it by.
pub(crate) const NAME: &str = "identity";

/// A secret on its way. It shows itself to nobody but the serializer.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sent(pub(crate) SecretString);

impl Serialize for Sent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.expose_secret().serialize(serializer)
    }
}

/// [`RegisterUser`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Register {
    email: Option<Email>,
    username: Option<Username>,
    password: Sent,
    name: Option<String>,
}

impl From<RegisterUser> for Register {
    fn from(wish: RegisterUser) -> Self {
        Self {
            email: wish.email,
            username: wish.username,
            password: Sent(wish.password),
            name: wish.name,
        }
    }
}

impl From<Register> for RegisterUser {
    fn from(wish: Register) -> Self {
        Self {
            email: wish.email,
            username: wish.username,
            password: wish.password.0,
            name: wish.name,
        }
    }
}

/// [`SetupAdmin`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    setup_token: Sent,
    email: Email,
    password: Sent,
}

impl From<SetupAdmin> for Setup {
    fn from(wish: SetupAdmin) -> Self {
        Self {
            setup_token: Sent(wish.setup_token),
            email: wish.email,
            password: Sent(wish.password),
        }
    }
}

impl From<Setup> for SetupAdmin {
    fn from(wish: Setup) -> Self {
        Self {
            setup_token: wish.setup_token.0,
            email: wish.email,
            password: wish.password.0,
        }
    }
}

/// [`Login`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SignIn {
    email: Option<Email>,
    username: Option<Username>,
    password: Sent,
}

impl From<Login> for SignIn {
    fn from(wish: Login) -> Self {
        Self {
            email: wish.email,
            username: wish.username,
            password: Sent(wish.password),
        }
    }
}

impl From<SignIn> for Login {
    fn from(wish: SignIn) -> Self {
        Self {
            email: wish.email,
            username: wish.username,
            password: wish.password.0,
        }
    }
}

/// [`SignedIn`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tokens {
    user: UserView,
    access_token: Sent,
    expires_in: i64,
    refresh_token: Sent,
}

impl From<SignedIn> for Tokens {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            user: signed_in.user,
            access_token: Sent(signed_in.access_token),
            expires_in: signed_in.expires_in,
            refresh_token: Sent(signed_in.refresh_token),
        }
    }
}

impl From<Tokens> for SignedIn {
    fn from(tokens: Tokens) -> Self {
        Self {
            user: tokens.user,
            access_token: tokens.access_token.0,
            expires_in: tokens.expires_in,
            refresh_token: tokens.refresh_token.0,
        }
    }
}

/// [`DeleteAccount`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Delete {
    password: Sent,
    code: Option<Sent>,
}

impl From<DeleteAccount> for Delete {
    fn from(wish: DeleteAccount) -> Self {
        Self {
            password: Sent(wish.password),
            code: wish.code.map(Sent),
        }
    }
}

impl From<Delete> for DeleteAccount {
    fn from(wish: Delete) -> Self {
        Self {
            password: wish.password.0,
            code: wish.code.map(|code| code.0),
        }
    }
}

/// [`ChangePassword`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Change {
    current_password: Sent,
    new_password: Sent,
    code: Option<Sent>,
}

impl From<ChangePassword> for Change {
    fn from(wish: ChangePassword) -> Self {
        Self {
            current_password: Sent(wish.current_password),
            new_password: Sent(wish.new_password),
            code: wish.code.map(Sent),
        }
    }
}

impl From<Change> for ChangePassword {
    fn from(wish: Change) -> Self {
        Self {
            current_password: wish.current_password.0,
            new_password: wish.new_password.0,
            code: wish.code.map(|code| code.0),
        }
    }
}

/// [`ResetPassword`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reset {
    token: Sent,
    new_password: Sent,
}

impl From<ResetPassword> for Reset {
    fn from(wish: ResetPassword) -> Self {
        Self {
            token: Sent(wish.token),
            new_password: Sent(wish.new_password),
        }
    }
}

impl From<Reset> for ResetPassword {
    fn from(wish: Reset) -> Self {
        Self {
            token: wish.token.0,
            new_password: wish.new_password.0,
        }
    }
}

/// [`VerifyEmail`] on its way: the token alone.
pub(crate) type Verify = Sent;

impl From<VerifyEmail> for Verify {
    fn from(wish: VerifyEmail) -> Self {
        Self(wish.token)
    }
}

impl From<Verify> for VerifyEmail {
    fn from(wish: Verify) -> Self {
        Self { token: wish.0 }
    }
}

/// Two secrets on their way: a challenge or a password and a code, or a secret in its two spellings.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pair(Sent, Sent);

impl From<AnswerChallenge> for Pair {
    fn from(wish: AnswerChallenge) -> Self {
        Self(Sent(wish.challenge), Sent(wish.code))
    }
}

impl From<Pair> for AnswerChallenge {
    fn from(Pair(challenge, code): Pair) -> Self {
        Self {
            challenge: challenge.0,
            code: code.0,
        }
    }
}

impl From<ProveTwice> for Pair {
    fn from(wish: ProveTwice) -> Self {
        Self(Sent(wish.password), Sent(wish.code))
    }
}

impl From<Pair> for ProveTwice {
    fn from(Pair(password, code): Pair) -> Self {
        Self {
            password: password.0,
            code: code.0,
        }
    }
}

impl From<FactorSecret> for Pair {
    fn from(shown: FactorSecret) -> Self {
        Self(Sent(shown.secret), Sent(shown.uri))
    }
}

impl From<Pair> for FactorSecret {
    fn from(Pair(secret, uri): Pair) -> Self {
        Self {
            secret: secret.0,
            uri: uri.0,
        }
    }
}

/// [`BeginSecondFactor`] on its way: the password alone.
impl From<BeginSecondFactor> for Sent {
    fn from(wish: BeginSecondFactor) -> Self {
        Self(wish.password)
    }
}

impl From<Sent> for BeginSecondFactor {
    fn from(wish: Sent) -> Self {
        Self { password: wish.0 }
    }
}

/// [`ConfirmSecondFactor`] on its way: the code alone.
impl From<ConfirmSecondFactor> for Sent {
    fn from(wish: ConfirmSecondFactor) -> Self {
        Self(wish.code)
    }
}

impl From<Sent> for ConfirmSecondFactor {
    fn from(wish: Sent) -> Self {
        Self { code: wish.0 }
    }
}

/// [`RecoveryCodes`] on their way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Codes(Vec<Sent>);

impl From<RecoveryCodes> for Codes {
    fn from(shown: RecoveryCodes) -> Self {
        Self(shown.codes.into_iter().map(Sent).collect())
    }
}

impl From<Codes> for RecoveryCodes {
    fn from(codes: Codes) -> Self {
        Self {
            codes: codes.0.into_iter().map(|code| code.0).collect(),
        }
    }
}

type Factor<T> = Result<T, FactorError>;
type Profile<T> = Result<T, ProfileError>;
type Listed = Result<Page<SecurityEventView>, SecurityEventError>;

pub(crate) const REGISTER: Call<Register, Result<Tokens, RegisterError>> = Call::once("register");
pub(crate) const SETUP_ADMIN: Call<Setup, Result<Tokens, RegisterError>> =
    Call::once("setup_admin");
// A second try signs in a second time, and costs a password's hash: whoever waits asks again.
pub(crate) const LOGIN: Call<SignIn, Result<Tokens, LoginError>> = Call::once("login");
// The successor of a refresh token is always the same: shortly after, the same token gives the same answer.
pub(crate) const REFRESH: Call<Sent, Result<Tokens, RefreshError>> = Call::repeatable("refresh");
pub(crate) const END_SESSION_OF: Call<Sent, Result<(), RefreshError>> =
    Call::repeatable("end_session_of");
pub(crate) const LOGOUT: Call<Who, Profile<()>> = Call::repeatable("logout");
pub(crate) const SESSIONS: Call<(Who, SessionQuery), Result<Page<SessionView>, SessionError>> =
    Call::read("sessions");
pub(crate) const END_OWN_SESSION: Call<(Who, SessionId), Result<(), SessionError>> =
    Call::repeatable("end_own_session");
pub(crate) const END_OWN_SESSIONS: Call<Who, Result<(), SessionError>> =
    Call::repeatable("end_own_sessions");
pub(crate) const CHANGE_PASSWORD: Call<(Who, Change), Result<(), PasswordError>> =
    Call::once("change_password");
// A second try owes a second mail; whoever waits asks again.
pub(crate) const FORGOT_PASSWORD: Call<ForgotPassword, Result<(), LinkError>> =
    Call::once("forgot_password");
pub(crate) const RESET_PASSWORD: Call<Reset, Result<(), PasswordError>> =
    Call::once("reset_password");
pub(crate) const ASK_VERIFICATION: Call<Who, Result<(), LinkError>> =
    Call::once("ask_verification");
pub(crate) const VERIFY_EMAIL: Call<Verify, Result<(), LinkError>> = Call::once("verify_email");
pub(crate) const ME: Call<Who, Profile<UserView>> = Call::read("me");
pub(crate) const EXPORT: Call<Who, Profile<UserView>> = Call::once("export");
pub(crate) const PATCH_ME: Call<(Who, Precondition, PatchProfile), Profile<UserView>> =
    Call::once("patch_me");
pub(crate) const DELETE_ACCOUNT: Call<(Who, Delete), Result<(), LoginError>> =
    Call::once("delete_account");
// A code is used up by the first try: whoever waits asks again with the next one.
pub(crate) const ANSWER_CHALLENGE: Call<Pair, Result<Tokens, LoginError>> =
    Call::once("answer_challenge");
pub(crate) const SECOND_FACTOR: Call<Who, Factor<SecondFactorView>> = Call::read("second_factor");
pub(crate) const BEGIN_SECOND_FACTOR: Call<(Who, Sent), Factor<Pair>> =
    Call::once("begin_second_factor");
pub(crate) const CONFIRM_SECOND_FACTOR: Call<(Who, Sent), Factor<Codes>> =
    Call::once("confirm_second_factor");
pub(crate) const RENEW_RECOVERY_CODES: Call<(Who, Pair), Factor<Codes>> =
    Call::once("renew_recovery_codes");
pub(crate) const END_SECOND_FACTOR: Call<(Who, Pair), Factor<()>> = Call::once("end_second_factor");
pub(crate) const TAKE_SECOND_FACTOR_OFF: Call<(Who, UserId), Profile<()>> =
    Call::repeatable("take_second_factor_off");
pub(crate) const USER: Call<UserId, Profile<UserView>> = Call::read("user");
pub(crate) const SET_ROLES: Call<(Who, UserId, Precondition, SetRoles), Profile<UserView>> =
    Call::once("set_roles");
pub(crate) const USERS: Call<UserQuery, Profile<Page<UserView>>> = Call::read("users");
pub(crate) const USER_COUNTS: Call<(), Profile<UserCounts>> = Call::read("user_counts");
pub(crate) const SET_STATUS: Call<(Who, UserId, Precondition, SetUserStatus), Profile<UserView>> =
    Call::once("set_status");
// A second try owes a second mail.
pub(crate) const SEND_PASSWORD_RESET: Call<(Who, UserId), Profile<()>> =
    Call::once("send_password_reset");
pub(crate) const END_SESSIONS_OF: Call<(Who, UserId), Profile<()>> =
    Call::repeatable("end_sessions_of");
pub(crate) const SECURITY_EVENTS: Call<SecurityEventQuery, Listed> = Call::read("security_events");
pub(crate) const SECURITY_EVENT_COUNTS: Call<
    Vec<SecurityEventKind>,
    Result<Vec<Counted>, SecurityEventError>,
> = Call::read("security_event_counts");
pub(crate) const OWN_SECURITY_EVENTS: Call<(Who, OwnSecurityEventQuery), Listed> =
    Call::read("own_security_events");
pub(crate) const PUBLIC_KEYS: Call<(), Result<serde_json::Value, Cause>> =
    Call::read("public_keys");
pub(crate) const ENDED_SINCE: Call<Timestamp, Result<Ended, Cause>> = Call::read("ended_since");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_cross_and_are_not_printed() {
        let wish = Register {
            email: None,
            username: None,
            password: Sent("correct horse".into()),
            name: None,
        };
        assert!(!format!("{wish:?}").contains("horse"));
        let sent = serde_json::to_string(&wish).unwrap();
        let came: Register = serde_json::from_str(&sent).unwrap();
        let password = RegisterUser::from(came).password;
        assert_eq!(password.expose_secret(), "correct horse");
    }
}
