use super::*;
/// placeholder
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct MemoryStore;
impl DedupStore for MemoryStore {
    fn claim<'a>(&'a self, _: &'a Claim) -> StoreFuture<'a, Claimed> {
        Box::pin(async { Err(StoreError::Full) })
    }
    fn renew<'a>(
        &'a self,
        _: &'a DedupKey,
        _: Owner,
        _: Duration,
        _: Duration,
    ) -> StoreFuture<'a, Renewed> {
        Box::pin(async { Err(StoreError::Full) })
    }
    fn complete<'a>(
        &'a self,
        _: &'a DedupKey,
        _: Owner,
        _: Completion,
    ) -> StoreFuture<'a, Completed> {
        Box::pin(async { Err(StoreError::Full) })
    }
    fn release<'a>(&'a self, _: &'a DedupKey, _: Owner) -> StoreFuture<'a, Released> {
        Box::pin(async { Err(StoreError::Full) })
    }
    fn forget<'a>(&'a self, _: &'a DedupKey) -> StoreFuture<'a, bool> {
        Box::pin(async { Err(StoreError::Full) })
    }
}
