pub(crate) struct Wrong { pub(crate) name: &'static str }
pub(crate) const ALL: &[Wrong] = &[];
impl Wrong { pub(crate) fn fails(&self) -> Result<String,String> { Ok(String::new()) } }
