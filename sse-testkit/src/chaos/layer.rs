//! Faults as a tower layer.

use tower_layer::Layer;

use super::Chaos;
use super::service::ChaosService;

impl<S> Layer<S> for Chaos {
    type Service = ChaosService<S>;

    fn layer(&self, inner: S) -> ChaosService<S> {
        ChaosService::new(inner, self.clone())
    }
}
