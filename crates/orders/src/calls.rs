//! What the others ask of orders when these run elsewhere: each method of the contract by name, with what crosses.
//! `client` makes these calls, `http::internal` answers them; neither has one that is not here.

use contracts::{
    orders::{
        BeginPayment, Beside, CartError, CartFigures, CartView, DiscountCode, DiscountCounts,
        DiscountError, DiscountQuery, DiscountView, EarlierOrderQuery, EarlierOrderView,
        EventsAudit, KeptAddress, NewAddress, NewDiscount, OrderAudit, OrderError, OrderEventView,
        OrderMove, OrderQuery, OrderView, Payable, PlaceOrder, PlaceOrderError, RefundNote,
        SetCartItem, Settlement, ShippingChoice, ShippingError, ShippingMethodView,
    },
    request::{Answered, IdempotencyKey, Precondition},
    values::{CartId, Currency, DiscountId, OrderId, Page, ProductId, ShippingMethodId, UserId},
    wire::{Cause, Who, WhoBuys, WhoHolds, WhoReads},
};
use platform::call::Call;

/// The name that peers and paths know them by.
pub(crate) const NAME: &str = "orders";

type Answer<T> = Result<T, OrderError>;
type Placed = Result<Answered<OrderView>, PlaceOrderError>;

// The key names the order.
pub(crate) const HAS_BOUGHT: Call<(UserId, ProductId), Result<bool, Cause>> =
    Call::read("has_bought");
pub(crate) const PLACE: Call<(WhoBuys, IdempotencyKey, PlaceOrder), Placed> =
    Call::repeatable("place");
pub(crate) const ORDER: Call<(WhoReads, OrderId), Answer<OrderView>> = Call::read("order");
pub(crate) const ORDER_WHEN_PAID: Call<(WhoReads, OrderId), Answer<OrderView>> =
    Call::read("order_when_paid");
pub(crate) const ORDERS: Call<(Who, OrderQuery), Answer<Page<OrderView>>> = Call::read("orders");
pub(crate) const TIMELINE: Call<(WhoReads, OrderId), Answer<Vec<OrderEventView>>> =
    Call::read("timeline");
pub(crate) const EARLIER_ORDERS: Call<(Who, EarlierOrderQuery), Answer<Page<EarlierOrderView>>> =
    Call::read("earlier_orders");
pub(crate) const KEPT_ADDRESSES: Call<UserId, Answer<Vec<KeptAddress>>> =
    Call::read("kept_addresses");
pub(crate) const OWN_CART: Call<UserId, Result<Option<CartView>, CartError>> =
    Call::read("own_cart");
pub(crate) const CART_FIGURES: Call<(), Answer<CartFigures>> = Call::read("cart_figures");
pub(crate) const BESIDE: Call<(WhoReads, OrderId), Answer<Beside>> = Call::read("beside");
pub(crate) const ADVANCE: Call<(WhoReads, OrderId, OrderMove), Answer<OrderView>> =
    Call::once("advance");

type Held = Result<CartView, CartError>;
pub(crate) const OPEN_CART: Call<(WhoHolds, String), Result<Answered<CartView>, CartError>> =
    Call::once("open_cart");
pub(crate) const CART: Call<(WhoHolds, CartId), Held> = Call::read("cart");
// What is set twice is set; of a version that was named, the second one hears that it is gone.
pub(crate) const SET_CART_ITEM: Call<(WhoHolds, CartId, SetCartItem), Held> =
    Call::once("set_cart_item");
pub(crate) const MERGE_CART: Call<(WhoHolds, CartId), Held> = Call::repeatable("merge_cart");
// The cart and its version name the order.
pub(crate) const CHECK_OUT: Call<(WhoHolds, CartId, PlaceOrder), Placed> =
    Call::repeatable("check_out");

pub(crate) const SET_CART_CURRENCY: Call<(WhoHolds, CartId, Option<Currency>), Held> =
    Call::repeatable("set_cart_currency");
pub(crate) const SET_CART_SHIPPING: Call<(WhoHolds, CartId, Option<ShippingMethodId>), Held> =
    Call::repeatable("set_cart_shipping");
pub(crate) const SET_CART_ADDRESS: Call<(WhoHolds, CartId, Option<NewAddress>), Held> =
    Call::repeatable("set_cart_address");
pub(crate) const CART_SHIPPING_METHODS: Call<
    (WhoHolds, CartId),
    Result<Vec<ShippingChoice>, CartError>,
> = Call::read("cart_shipping_methods");
pub(crate) const SHIPPING_METHODS: Call<bool, Result<Vec<ShippingMethodView>, ShippingError>> =
    Call::read("shipping_methods");

type Off<T> = Result<T, DiscountError>;
pub(crate) const SET_CART_DISCOUNT: Call<(WhoHolds, CartId, Option<DiscountCode>), Held> =
    Call::repeatable("set_cart_discount");
pub(crate) const MAKE_DISCOUNT: Call<
    (Who, Option<IdempotencyKey>, NewDiscount),
    Off<Answered<DiscountView>>,
> = Call::once("make_discount");
pub(crate) const REPLACE_DISCOUNT: Call<
    (Who, DiscountId, Precondition, NewDiscount),
    Off<DiscountView>,
> = Call::once("replace_discount");
pub(crate) const DISCOUNT: Call<(Who, DiscountId), Off<DiscountView>> = Call::read("discount");
pub(crate) const DISCOUNT_COUNTS: Call<Who, Off<DiscountCounts>> = Call::read("discount_counts");
pub(crate) const DISCOUNTS: Call<(Who, DiscountQuery), Off<Page<DiscountView>>> =
    Call::read("discounts");

// By payment and refund id these have their effect once, however often they come.
pub(crate) const BEGIN_PAYMENTS: Call<Vec<BeginPayment>, Vec<Answer<Payable>>> =
    Call::repeatable("begin_payments");
pub(crate) const SETTLE_ALL: Call<Vec<Settlement>, Vec<Answer<()>>> =
    Call::repeatable("settle_all");
pub(crate) const NOTE_REFUND: Call<RefundNote, Answer<()>> = Call::repeatable("note_refund");

pub(crate) const AUDIT: Call<(Option<OrderId>, u32), Result<Vec<OrderAudit>, Cause>> =
    Call::read("audit").long();
pub(crate) const AUDIT_EVENTS: Call<(), Result<EventsAudit, Cause>> =
    Call::read("audit_events").long();
pub(crate) const AUDIT_DISCOUNTS: Call<(), Result<Vec<String>, Cause>> =
    Call::read("audit_discounts").long();
