//! What is asked for in the table. How it is made is in `cast`.

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    /// Nothing in particular.
    Nothing,
    /// An event that was not taken; there is none.
    Letter,
    /// A customer's account that nobody else uses: `$email`, `$refresh`, its id.
    Account,
    /// The asker's own account.
    Own,
    /// A second account of the asker's, with the same rights, which then asks.
    Double,
    /// An address that the owner keeps.
    KeptAddress,
    /// A session of an account that nobody else uses.
    Session,
    /// A session of a second account of the asker's, which then asks.
    OwnSession,
    /// An API key of an account that nobody else uses.
    Key,
    /// An API key of a second account of the asker's, which then asks.
    OwnKey,
    /// A webhook that hears of deleted accounts alone.
    Webhook,
    /// A delivery; there is none.
    Delivery,
    /// The own merchant's, on sale.
    Product,
    /// The own merchant's, not yet on sale.
    Draft,
    /// The own merchant's, no longer on sale.
    Archived,
    /// The default variant of a product of the own merchant's.
    Variant,
    /// A picture of a product of the own merchant's: the id is the product's, `$image` the picture's.
    Image,
    /// A category that nothing is in.
    Category,
    /// A product of the own merchant's that the owner has bought.
    Bought,
    /// The owner's review of such a product.
    Review,
    /// The owner's id.
    OwnerHerself,
    /// The owner's orders of the own merchant's product.
    Pending,
    Paid,
    Shipped,
    /// A return that was asked for of the owner's order: the id is the order's, `$return` the return's.
    Returned,
    /// The owner's order of both merchants' products.
    Mixed,
    /// The payment of the owner's order.
    Payment,
    /// A guest's order, asked for without its token, with it, and with that of another order.
    Guests,
    GuestsWithToken,
    GuestsWithOther,
    /// A record of an order at another shop, whose buyer nobody here is.
    Earlier,
    /// A discount code.
    Discount,
    /// A way of shipping.
    ShippingMethod,
    /// A tax rate.
    TaxRate,
    /// The owner's cart.
    Cart,
    /// A guest's cart, asked for without its token, and with it.
    GuestsCart,
    GuestsCartWithToken,
    /// The payment of a guest's order, asked for with the order's token.
    GuestsPayment,
}
