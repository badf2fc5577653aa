//! Every error means the same to callers after it has crossed; so do the causes that callers hear of.

use super::*;
use crate::{
    catalog::{
        AdjustError, EditError, GiveBackError, ListError, ReservationState, ReserveError,
        ResolveError, Shortage,
    },
    identity::{
        ApiKeyError, ExternalError, FactorError, LinkError, LoginError, PasswordError,
        ProfileError, RefreshError, RegisterError, SecurityEventError, SessionError,
    },
    orders::{CartError, CartHolder, DiscountError, OrderError, OrderStatus, PlaceOrderError},
    payments::{
        CallbackError, PayError, PaymentListError, PaymentStatus, RefundError, SagaError, SagaId,
    },
    problem::{Problem, ToProblem},
    request::{IdempotencyKey, Precondition},
    scopes::Scope,
    values::{ApiKeyId, Money, OrderId, PaymentId, ProductId, VariantId, Version},
};
use serde::de::DeserializeOwned;

fn across<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let sent = serde_json::to_vec(value).unwrap();
    serde_json::from_slice(&sent).unwrap()
}

fn causes() -> Vec<BoxError> {
    let outages = [
        Outage::Overloaded,
        Outage::StorageFull,
        Outage::Unreachable,
        Outage::Unanswered,
    ];
    let mut causes: Vec<BoxError> = outages.into_iter().map(|one| one.into()).collect();
    causes.push("a plain failure".into());
    causes
}

/// Each of these means the same over there.
fn same_there<E: ToProblem + Error + Serialize + DeserializeOwned>(errors: Vec<E>) {
    for error in errors {
        let came = across(&error);
        assert_eq!(came.to_problem(), error.to_problem(), "{error:?}");
        assert_eq!(came.to_string(), error.to_string());
    }
}

/// The same for an enum's failures of our own, which carry every cause there is.
fn and_failures<E>(mut errors: Vec<E>, failed: fn(BoxError) -> E) -> Vec<E> {
    errors.extend(causes().into_iter().map(failed));
    errors
}

fn version(number: i64) -> Version {
    Version::try_from(number).unwrap()
}

fn price() -> Money {
    Money::new(1_999, "USD".parse().unwrap())
}

fn reserve_errors() -> Vec<ReserveError> {
    let items = vec![Shortage {
        product_id: ProductId::from_bytes([1; 16]),
        variant_id: VariantId::from_bytes([2; 16]),
        sku: "TEA".to_owned(),
        requested: 3,
        available: 1,
    }];
    let errors = vec![
        ReserveError::InsufficientStock { items },
        ReserveError::Unavailable { lines: vec![0, 2] },
        ReserveError::MixedCurrencies,
        ReserveError::NotPriced {
            currency: price().currency,
            lines: vec![1],
        },
        ReserveError::PriceChanged { total: price() },
        ReserveError::TotalOutOfRange,
        ReserveError::FingerprintDiffers,
        ReserveError::Resolved(ReservationState::Expired),
        ReserveError::Overloaded,
    ];
    and_failures(errors, ReserveError::Internal)
}

#[test]
fn refusals_of_the_catalog_mean_the_same_over_there() {
    same_there(reserve_errors());
    let invalid = || ("/name".to_owned(), "must be shorter".to_owned());
    let edits = vec![
        EditError::NotFound,
        EditError::Archived {
            name: "Tea".to_owned(),
        },
        EditError::Forbidden,
        EditError::Invalid {
            field: invalid().0,
            reason: invalid().1,
        },
        EditError::SkuTaken,
        EditError::SlugTaken,
        EditError::InUse,
        EditError::VersionConflict {
            sent: Precondition::Header(version(2)),
            current: version(3),
        },
        EditError::VersionConflict {
            sent: Precondition::LastWriterWins,
            current: version(3),
        },
        EditError::KeyReused,
        EditError::Overloaded,
    ];
    same_there(and_failures(edits, EditError::Internal));
    let adjustments = vec![
        AdjustError::NotFound { index: 4 },
        AdjustError::Invalid {
            field: invalid().0,
            reason: invalid().1,
        },
        AdjustError::StockChanged {
            sku: "TEA".to_owned(),
            on_hand: 2,
        },
        AdjustError::InsufficientStock {
            sku: "TEA".to_owned(),
            available: 1,
        },
        AdjustError::KeyReused,
        AdjustError::Overloaded,
    ];
    same_there(and_failures(adjustments, AdjustError::Internal));
    let lists = vec![ListError::InvalidParameter {
        name: "cursor".into(),
        reason: "is none".to_owned(),
    }];
    same_there(and_failures(lists, ListError::Internal));
}

#[test]
fn refusals_that_only_services_see_are_the_same_over_there() {
    let resolved = ReservationState::Committed;
    for error in [ResolveError::Unknown, ResolveError::Resolved(resolved)] {
        assert_eq!(format!("{:?}", across(&error)), format!("{error:?}"));
    }
    for error in [
        GiveBackError::Unknown,
        GiveBackError::NotSold(ReservationState::Open),
        GiveBackError::TooMany {
            variant_id: VariantId::from_bytes([2; 16]),
            left: 1,
        },
    ] {
        assert_eq!(format!("{:?}", across(&error)), format!("{error:?}"));
    }
}

#[test]
fn refusals_of_orders_mean_the_same_over_there() {
    let mut places = vec![
        PlaceOrderError::Invalid {
            field: "/items".to_owned(),
            reason: "is empty".to_owned(),
        },
        PlaceOrderError::KeyReused,
        PlaceOrderError::GivenUp,
        PlaceOrderError::Overloaded,
    ];
    places.extend(reserve_errors().into_iter().map(PlaceOrderError::Stock));
    same_there(and_failures(places, PlaceOrderError::Internal));
    let orders = vec![
        OrderError::NotFound,
        OrderError::Forbidden,
        OrderError::IllegalTransition {
            from: OrderStatus::Pending,
            to: OrderStatus::Shipped,
            allowed: vec![OrderStatus::Paid, OrderStatus::Cancelled],
        },
        OrderError::PaymentInProgress,
        OrderError::Invalid {
            field: "cursor".into(),
            reason: "is none".to_owned(),
        },
        OrderError::Overloaded,
    ];
    same_there(and_failures(orders, OrderError::Internal));
}

#[test]
fn refusals_of_payments_mean_the_same_over_there() {
    let payment_id = PaymentId::from_bytes([3; 16]);
    let pays = vec![
        PayError::NotFound,
        PayError::NotPayable(OrderStatus::Cancelled),
        PayError::InProgress,
        PayError::NotVoidable(PaymentStatus::Captured),
        PayError::Declined {
            payment_id,
            order_id: OrderId::from_bytes([4; 16]),
            decline_code: "card_declined".to_owned(),
        },
        PayError::UnknownMethod,
        PayError::CardNumber,
        PayError::KeyReused,
        PayError::Overloaded,
    ];
    same_there(and_failures(pays, PayError::Internal));
    let refunds = vec![
        RefundError::NotFound,
        RefundError::Invalid {
            field: "/amount".into(),
            reason: "is too small".to_owned(),
        },
        RefundError::NotCaptured,
        RefundError::TooMuch { left: price() },
        RefundError::TooManyUnits { left: 1, index: 2 },
        RefundError::KeyReused,
        RefundError::Overloaded,
    ];
    same_there(and_failures(refunds, RefundError::Internal));
    let callbacks = vec![
        CallbackError::UnknownProvider,
        CallbackError::BadSignature("it has no time".into()),
        CallbackError::Malformed,
        CallbackError::Overloaded,
    ];
    same_there(and_failures(callbacks, CallbackError::Internal));
    let sagas = vec![
        SagaError::NotFound(SagaId::Payment(payment_id)),
        SagaError::Ended,
        SagaError::BadCursor,
        SagaError::Overloaded,
    ];
    same_there(and_failures(sagas, SagaError::Internal));
    let lists = vec![PaymentListError::BadCursor, PaymentListError::Overloaded];
    same_there(and_failures(lists, PaymentListError::Internal));
}

#[test]
fn refusals_of_identity_mean_the_same_over_there() {
    let registrations = vec![
        RegisterError::NameMissing,
        RegisterError::PasswordTooWeak {
            reason: "is too common".into(),
        },
        RegisterError::InvalidName {
            reason: "is too long".to_owned(),
        },
        RegisterError::EmailTaken,
        RegisterError::UsernameTaken,
        RegisterError::SetupTokenInvalid,
        RegisterError::Overloaded,
    ];
    same_there(and_failures(registrations, RegisterError::Internal));
    let logins = vec![
        LoginError::InvalidCredentials,
        LoginError::SecondFactorRequired {
            challenge: Some("abc".to_owned()),
        },
        LoginError::SecondFactorRequired { challenge: None },
        LoginError::ChallengeInvalid,
        LoginError::CodeInvalid,
        LoginError::TooManyTries {
            retry_after_seconds: 7,
        },
        LoginError::Disabled,
        LoginError::Overloaded,
    ];
    same_there(and_failures(logins, LoginError::Internal));
    let external = vec![
        ExternalError::UnknownProvider,
        ExternalError::AttemptOver,
        ExternalError::Denied,
        ExternalError::AddressUnverified,
        ExternalError::AddressTaken,
        ExternalError::LinkTaken,
        ExternalError::NotLinked,
        ExternalError::Disabled,
        ExternalError::Password(LoginError::InvalidCredentials),
        ExternalError::Overloaded,
    ];
    same_there(and_failures(external, ExternalError::Internal));
    same_there(and_failures(Vec::new(), ExternalError::ProviderAway));
    same_there(and_failures(Vec::new(), ExternalError::Unbelievable));
    let refreshes = vec![RefreshError::Invalid, RefreshError::Reused];
    same_there(and_failures(refreshes, RefreshError::Internal));
    let profiles = vec![
        ProfileError::NotFound,
        ProfileError::Invalid {
            field: "/name".into(),
            reason: "is too long".to_owned(),
        },
        ProfileError::BadParameter {
            parameter: "q".into(),
        },
        ProfileError::Conflict {
            reason: "it has no address".into(),
        },
        ProfileError::VersionConflict {
            sent: Precondition::Body(version(1)),
            current: version(2),
        },
    ];
    same_there(and_failures(profiles, ProfileError::Internal));
}

#[test]
fn refusals_about_sessions_and_passwords_mean_the_same_over_there() {
    let sessions = vec![SessionError::NotFound, SessionError::BadCursor];
    same_there(and_failures(sessions, SessionError::Internal));
    let events = vec![SecurityEventError::BadCursor];
    same_there(and_failures(events, SecurityEventError::Internal));
    let passwords = vec![
        PasswordError::InvalidCredentials,
        PasswordError::SecondFactorRequired,
        PasswordError::CodeInvalid,
        PasswordError::TooManyTries {
            retry_after_seconds: 7,
        },
        PasswordError::PasswordTooWeak {
            reason: "is too common".into(),
        },
        PasswordError::LinkInvalid,
        PasswordError::Overloaded,
    ];
    same_there(and_failures(passwords, PasswordError::Internal));
    let factors = vec![
        FactorError::On,
        FactorError::Off,
        FactorError::Unproven(LoginError::CodeInvalid),
    ];
    same_there(and_failures(factors, |cause| {
        FactorError::Unproven(LoginError::Internal(cause))
    }));
    let links = vec![LinkError::Invalid, LinkError::Overloaded];
    same_there(and_failures(links, LinkError::Internal));
    let keys = vec![
        ApiKeyError::NotFound,
        ApiKeyError::Forbidden,
        ApiKeyError::BadCursor,
        ApiKeyError::Invalid {
            field: "/scopes".into(),
            reason: "is empty".to_owned(),
        },
        ApiKeyError::TooMany { most: 7 },
        ApiKeyError::KeyReused,
        ApiKeyError::InvalidCredentials,
        ApiKeyError::SecondFactorRequired,
        ApiKeyError::CodeInvalid,
        ApiKeyError::TooManyTries {
            retry_after_seconds: 7,
        },
        ApiKeyError::Overloaded,
    ];
    same_there(and_failures(keys, ApiKeyError::Internal));
}

#[test]
fn refusals_about_carts_mean_the_same_over_there() {
    let carts = || {
        vec![
            CartError::NotFound,
            CartError::Unauthenticated,
            CartError::Invalid {
                field: "/quantity".to_owned(),
                reason: "is too many".to_owned(),
            },
            CartError::Unavailable,
            CartError::Closed { order_id: None },
            CartError::Closed {
                order_id: Some(OrderId::from_bytes([9; 16])),
            },
            CartError::VersionConflict {
                sent: Precondition::Header(version(1)),
                current: version(2),
            },
            CartError::ChangedMeanwhile,
            CartError::Differs {
                lines: Vec::new(),
                total: Some(price()),
            },
            CartError::TooMany,
            CartError::Overloaded,
        ]
    };
    same_there(and_failures(carts(), CartError::Internal));
    same_there(carts().into_iter().map(PlaceOrderError::Cart).collect());
    let discounts = || {
        vec![
            DiscountError::NotFound,
            DiscountError::Forbidden,
            DiscountError::Invalid {
                field: "/code".to_owned(),
                reason: "is odd".to_owned(),
            },
            DiscountError::CodeTaken,
            DiscountError::VersionConflict {
                sent: Precondition::Body(version(1)),
                current: version(2),
            },
            DiscountError::NotApplicable {
                reason: "it is over".to_owned(),
            },
            DiscountError::Exhausted,
            DiscountError::Overloaded,
        ]
    };
    same_there(and_failures(discounts(), DiscountError::Internal));
    same_there(
        discounts()
            .into_iter()
            .map(PlaceOrderError::Discount)
            .collect(),
    );
    same_there(discounts().into_iter().map(CartError::Discount).collect());
}

#[test]
fn a_cause_brings_its_texts_and_its_outage_along() {
    let cause: BoxError = PayError::Internal(Outage::StorageFull.into()).into();
    let came: BoxError = across(&Cause::from(&cause)).into();
    assert_eq!(came.to_string(), "paying failed: the disk is full");
    assert_eq!(Outage::behind(&came), Some(Outage::StorageFull));
    assert_eq!(Problem::internal(&came), Problem::internal(&cause));
}

#[test]
fn whoever_asks_is_the_same_over_there() {
    let principal = Principal {
        user_id: UserId::from_bytes([5; 16]),
        session_id: SessionId::from_bytes([6; 16]),
        roles: vec![Role::Customer, Role::Admin],
        key: None,
    };
    let reader = Reader {
        principal: Some(principal.clone()),
        order_token: Some("secret".to_owned()),
    };
    let came = Reader::from(across(&WhoReads::from(&reader)));
    assert_eq!(came.principal, reader.principal);
    assert_eq!(came.order_token, reader.order_token);
    let machine = Principal {
        key: Some(KeyAccess {
            id: ApiKeyId::from_bytes([7; 16]),
            scopes: vec![Scope::OrdersRead],
        }),
        ..principal.clone()
    };
    let holder = CartHolder {
        principal: Some(principal.clone()),
        cart_token: Some("secret".to_owned()),
    };
    let came = CartHolder::from(across(&WhoHolds::from(&holder)));
    assert_eq!(came.principal, holder.principal);
    assert_eq!(came.cart_token, holder.cart_token);
    for buyer in [Buyer::User(principal), Buyer::User(machine), Buyer::Guest] {
        assert_eq!(Buyer::from(across(&WhoBuys::from(&buyer))), buyer);
    }
}

#[test]
fn a_key_with_quotes_inside_is_the_same_key_over_there() {
    let key = IdempotencyKey::parse("\"\"quoted\"\"").unwrap();
    assert_eq!(key.as_str(), "\"quoted\"");
    assert_eq!(across(&key), key);
    assert!(serde_json::from_str::<IdempotencyKey>("\"a b\"").is_err());
}
