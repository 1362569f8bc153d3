use std::borrow::Cow;

use ipnet::IpNet;

use super::error::{PublishedError, PublishedErrorKind};
use super::{json, lines};
use crate::client_ip::{Networks, parse_network};

/// Four times what the largest known document (AWS) has.
const MAX_BYTES: usize = 8 * 1024 * 1024;
const MAX_NETWORKS: usize = 16_384;

/// How a document with the addresses of a provider is written.
///
/// See the [module docs](super).
#[derive(Clone, Debug)]
pub struct Format {
    name: &'static str,
    url: Option<&'static str>,
    pub(super) syntax: Syntax,
}

#[derive(Clone, Debug)]
pub(super) enum Syntax {
    Lines,
    Json(Vec<List>),
}

/// A list in a JSON document.
#[derive(Clone, Debug)]
pub(super) struct List {
    /// The member of the outermost object that holds it.
    pub(super) key: Cow<'static, str>,
    pub(super) entry: Entry,
}

#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// The network itself.
    Text,
    /// An object, of which `network` is the network.
    Object {
        network: &'static str,
        filters: Vec<Filter>,
    },
}

/// An entry counts only if `field` is `value`, or a list that holds it.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) field: &'static str,
    pub(super) value: Cow<'static, str>,
}

impl Format {
    /// Plain text: addresses and networks separated by line ends, white space
    /// or commas; from `#` to the end of a line is a comment.
    ///
    /// Stripe publishes such a list at
    /// <https://stripe.com/files/ips/ips_webhooks.txt>.
    #[must_use]
    pub const fn lines() -> Self {
        Self {
            name: "lines",
            url: None,
            syntax: Syntax::Lines,
        }
    }

    /// GitHub's `hooks` in <https://api.github.com/meta>
    /// ([documentation](https://docs.github.com/rest/meta/meta)). For GitHub
    /// Enterprise Server the URL is another, the format is the same.
    #[must_use]
    pub fn github_meta() -> Self {
        let url = "https://api.github.com/meta";
        Self::json("github_meta", Some(url), vec![List::of_texts("hooks")])
    }

    /// Stripe's `WEBHOOKS` in <https://stripe.com/files/ips/ips_webhooks.json>
    /// ([documentation](https://docs.stripe.com/ips)).
    #[must_use]
    pub fn stripe_webhooks() -> Self {
        let url = "https://stripe.com/files/ips/ips_webhooks.json";
        Self::json(
            "stripe_webhooks",
            Some(url),
            vec![List::of_texts("WEBHOOKS")],
        )
    }

    /// Both families of addresses of one AWS `service`, such as `EC2`, in all
    /// regions, in <https://ip-ranges.amazonaws.com/ip-ranges.json>
    /// ([documentation](https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-syntax.html)).
    ///
    /// Most services send from addresses that every customer of AWS can have;
    /// such a list keeps out little.
    #[must_use]
    pub fn aws_ip_ranges(service: impl Into<String>) -> Self {
        Self::aws(vec![Filter::new("service", service.into())])
    }

    /// [`aws_ip_ranges`](Self::aws_ip_ranges) of one `region`, such as
    /// `us-east-1` or `GLOBAL`.
    #[must_use]
    pub fn aws_ip_ranges_in(service: impl Into<String>, region: impl Into<String>) -> Self {
        Self::aws(vec![
            Filter::new("service", service.into()),
            Filter::new("region", region.into()),
        ])
    }

    fn aws(filters: Vec<Filter>) -> Self {
        let list = |key, network| List {
            key: Cow::Borrowed(key),
            entry: Entry::Object {
                network,
                filters: filters.clone(),
            },
        };
        Self::json(
            "aws_ip_ranges",
            Some("https://ip-ranges.amazonaws.com/ip-ranges.json"),
            vec![
                list("prefixes", "ip_prefix"),
                list("ipv6_prefixes", "ipv6_prefix"),
            ],
        )
    }

    /// The networks that Atlassian's `product`, such as `bitbucket` or `jira`,
    /// sends from (direction `egress`), in <https://ip-ranges.atlassian.com/>
    /// ([documentation](https://support.atlassian.com/organization-administration/docs/ip-addresses-and-domains-for-atlassian-cloud-products/)).
    #[must_use]
    pub fn atlassian(product: impl Into<String>) -> Self {
        let list = List {
            key: Cow::Borrowed("items"),
            entry: Entry::Object {
                network: "cidr",
                filters: vec![
                    Filter::new("product", product.into()),
                    Filter::new("direction", "egress"),
                ],
            },
        };
        Self::json(
            "atlassian",
            Some("https://ip-ranges.atlassian.com/"),
            vec![list],
        )
    }

    /// A JSON object whose member `key` is a list of addresses and networks.
    #[must_use]
    pub fn json_list(key: impl Into<String>) -> Self {
        Self::json("json_list", None, vec![List::of_texts(key.into())])
    }

    const fn json(name: &'static str, url: Option<&'static str>, lists: Vec<List>) -> Self {
        Self {
            name,
            url,
            syntax: Syntax::Json(lists),
        }
    }

    /// A short name for errors and events, such as `github_meta`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Where the provider publishes documents of this format, if it is the
    /// format of one provider.
    #[must_use]
    pub const fn url(&self) -> Option<&'static str> {
        self.url
    }

    /// The networks that `document` lists, in CIDR notation, sorted, without
    /// repetition or overlap: for [`IpAllowlist::new`] and
    /// [`IpAllowlist::replace`].
    ///
    /// Bits behind a prefix are cut off, as there.
    ///
    /// # Errors
    ///
    /// If the document is not entirely of this format, lists no network that
    /// matches, more than 16 384, or together every address of IPv4 or IPv6;
    /// or if it is larger than 8 MiB.
    ///
    /// [`IpAllowlist::new`]: crate::ip_allowlist::IpAllowlist::new
    /// [`IpAllowlist::replace`]: crate::ip_allowlist::IpAllowlist::replace
    pub fn parse(&self, document: impl AsRef<[u8]>) -> Result<Vec<String>, PublishedError> {
        let networks = self.networks(document.as_ref())?;
        Ok(networks.iter().map(IpNet::to_string).collect())
    }

    pub(super) fn networks(&self, document: &[u8]) -> Result<Networks, PublishedError> {
        let failed = |kind| PublishedError {
            format: self.name,
            kind,
            place: None,
        };
        if document.len() > MAX_BYTES {
            return Err(failed(PublishedErrorKind::TooLarge));
        }
        let text = str::from_utf8(document).map_err(|_| failed(PublishedErrorKind::NotUtf8))?;
        let mut found = Found::default();
        match &self.syntax {
            Syntax::Lines => lines::read(text, &mut found),
            Syntax::Json(lists) => json::read(text, lists, &mut found),
        }
        .map_err(|(kind, place)| PublishedError {
            place,
            ..failed(kind)
        })?;
        let networks = Networks::new(found.0);
        if networks.is_empty() {
            return Err(failed(PublishedErrorKind::Empty));
        }
        // Asked of the sum, because two halves make a whole.
        if networks.iter().any(|network| network.prefix_len() == 0) {
            return Err(failed(PublishedErrorKind::EveryAddress));
        }
        Ok(networks)
    }
}

impl List {
    fn of_texts(key: impl Into<Cow<'static, str>>) -> Self {
        Self {
            key: key.into(),
            entry: Entry::Text,
        }
    }
}

impl Filter {
    fn new(field: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field,
            value: value.into(),
        }
    }
}

/// What has been read so far.
#[derive(Default)]
pub(super) struct Found(Vec<IpNet>);

impl Found {
    pub(super) fn add(&mut self, text: &str) -> Result<(), PublishedErrorKind> {
        let network = parse_network(text).ok_or(PublishedErrorKind::NotANetwork)?;
        if network.prefix_len() == 0 {
            return Err(PublishedErrorKind::EveryAddress);
        }
        if self.0.len() == MAX_NETWORKS {
            return Err(PublishedErrorKind::TooManyNetworks);
        }
        self.0.push(network);
        Ok(())
    }
}
