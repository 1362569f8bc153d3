/// The ways to the `inner` service of a service, the same for all of them.
macro_rules! inner_service_accessors {
    () => {
        /// The inner service.
        #[must_use]
        pub const fn get_ref(&self) -> &S {
            &self.inner
        }

        /// The inner service, to change it.
        #[must_use]
        pub const fn get_mut(&mut self) -> &mut S {
            &mut self.inner
        }

        /// The inner service, taken out.
        #[must_use]
        pub fn into_inner(self) -> S {
            self.inner
        }
    };
}
