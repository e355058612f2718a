//! A row of a service's URL table: a path, and what each method does.

use actix_web::{
    FromRequest, Handler, Responder, Route,
    dev::{AppService, HttpServiceFactory},
    http::{
        Method,
        header::{ALLOW, HeaderValue},
    },
    web,
};

use crate::problem::{ApiError, Kind};

/// A path and its methods. Any other method answers 405 with `Allow` (RFC 9110, section 15.5.6).
pub struct Resource {
    path: &'static str,
    routes: Vec<(Method, Route)>,
}

impl Resource {
    /// A path, with `{name}` for its parameters.
    pub fn at(path: &'static str) -> Self {
        Self { path, routes: Vec::new() }
    }

    /// What GET does.
    pub fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.method(Method::GET, handler)
    }

    /// What POST does.
    pub fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.method(Method::POST, handler)
    }

    /// What PUT does.
    pub fn put<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.method(Method::PUT, handler)
    }

    /// What DELETE does.
    pub fn delete<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.method(Method::DELETE, handler)
    }

    fn method<F, Args>(mut self, method: Method, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.routes.push((method.clone(), web::method(method).to(handler)));
        self
    }
}

impl HttpServiceFactory for Resource {
    fn register(self, config: &mut AppService) {
        let allowed = self.routes.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(", ");
        let allow = HeaderValue::from_str(&allowed).expect("method names are header values");
        let refuse = move || {
            let detail = format!("this resource has: {allowed}");
            let refused = ApiError::new(Kind::MethodNotAllowed, detail).with_header(ALLOW, allow.clone());
            async move { Err::<web::Bytes, _>(refused) }
        };
        let resource = self.routes.into_iter().fold(web::resource(self.path), |all, (_, route)| all.route(route));
        resource.default_service(web::to(refuse)).register(config);
    }
}
