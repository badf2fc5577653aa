//! Routes, and what the API's document says of them, written down once: at each handler, by `#[utoipa::path]`.
//!
//! A shop that is open needs routes only, and the document is the file that was made of them (ADR 106). So whoever
//! asks says by a type whether the document is made as well; where it is not, the compiler leaves it out.

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, on},
};
use utoipa::{
    __dev::{SchemaReferences, Tags},
    Path,
    openapi::{ComponentsBuilder, HttpMethod, OpenApi, Paths},
};

#[doc(hidden)]
pub use pastey::paste;

/// What `#[utoipa::path]` makes beside a handler.
pub trait Operation: Path + SchemaReferences + Tags<'static> {}

impl<P: Path + SchemaReferences + Tags<'static>> Operation for P {}

/// What is made of the words at the handlers: nothing (`()`), or their part of the document (`OpenApi`).
pub trait Described: Default {
    /// Adds an operation and the schemas that it names.
    fn add<P: Operation>(&mut self);
    /// Adds another part.
    fn join(&mut self, other: Self);
}

impl Described for () {
    fn add<P: Operation>(&mut self) {}
    fn join(&mut self, (): Self) {}
}

impl Described for OpenApi {
    fn add<P: Operation>(&mut self) {
        let mut paths = Paths::new();
        let mut operation = P::operation();
        let tags = P::tags().into_iter().map(str::to_owned);
        operation.tags.get_or_insert_default().extend(tags);
        paths.add_path_operation(P::path(), P::methods(), operation);
        let mut schemas = Vec::new();
        P::schemas(&mut schemas);
        let components = ComponentsBuilder::new().schemas_from_iter(schemas).build();
        let mut part = Self::default();
        part.paths = paths;
        part.components = Some(components);
        self.merge(part);
    }

    fn join(&mut self, other: Self) {
        self.merge(other);
    }
}

/// A router whose handlers need an `S`, and what is said of them.
pub struct Routes<S, D> {
    router: Router<S>,
    document: D,
}

impl<S: Clone + Send + Sync + 'static, D: Described> Routes<S, D> {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            router: Router::new(),
            document: D::default(),
        }
    }

    /// Adds what [`routes!`](crate::routes) names.
    #[must_use]
    pub fn routes(self, add: impl FnOnce(Self) -> Self) -> Self {
        add(self)
    }

    /// Adds a handler at the address and the methods that `P` says, which is what `#[utoipa::path]` made beside it.
    #[must_use]
    pub fn route<P, H, T>(self, handler: H) -> Self
    where
        P: Operation,
        H: Handler<T, S>,
        T: 'static,
    {
        let Self {
            mut router,
            mut document,
        } = self;
        for method in P::methods() {
            router = router.route(&P::path(), on(filter(&method), handler.clone()));
        }
        document.add::<P>();
        Self { router, document }
    }

    /// Adds those of another.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.document.join(other.document);
        self.map(|router| router.merge(other.router))
    }

    /// Changes the router: puts something around the routes that are there, or adds one that is no part of the API.
    #[must_use]
    pub fn map(self, change: impl FnOnce(Router<S>) -> Router<S>) -> Self {
        Self {
            router: change(self.router),
            document: self.document,
        }
    }

    /// What is said of them.
    #[must_use]
    pub fn document(self) -> D {
        self.document
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S, ()> {
    /// The router, with what its handlers need.
    pub fn router(self, state: S) -> Router {
        self.router.with_state(state)
    }
}

impl<S: Clone + Send + Sync + 'static, D: Described> Default for Routes<S, D> {
    fn default() -> Self {
        Self::new()
    }
}

fn filter(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
    }
}

/// Names handlers for [`Routes::routes`](crate::http::Routes::routes): `routes!(list, create)`,
/// `routes!(orders::find)`. Each must have its `#[utoipa::path]`.
#[macro_export]
macro_rules! routes {
    (@ $routes:ident [$($way:ident)*] $handler:ident) => {
        $crate::http::routes::paste! {
            $routes.route::<$($way::)*[<__path_ $handler>], _, _>($($way::)*$handler)
        }
    };
    (@ $routes:ident [$($way:ident)*] $next:ident :: $($rest:ident)::+) => {
        $crate::routes!(@ $routes [$($way)* $next] $($rest)::+)
    };
    ($($($part:ident)::+),+ $(,)?) => {
        |routes| {
            $(let routes = $crate::routes!(@ routes [] $($part)::+);)+
            routes
        }
    };
}
