//! What may be wrong with the URL.

use std::collections::HashSet;

use http::header::HOST;
use http::request::Parts;

use super::explanation::{Cause, Explanation};
use super::trial::Trial;
use crate::signature::{PublicUrl, original_uri};

pub(super) fn explain(trial: &mut Trial<'_>) -> Option<Explanation> {
    let body = trial.small_body()?;
    let scheme = trial.scheme();
    let configured = scheme.public_url()?.text(trial.parts).ok()?;
    let configured = Url::parse(&configured)?;
    let mut tried = HashSet::from([configured.text()]);
    for url in configured.variants(trial.parts) {
        let text = url.text();
        if !tried.insert(text.clone()) {
            continue;
        }
        // The provider's URLs pass the same checks as those that are configured.
        let Ok(public) = PublicUrl::registered(text) else {
            continue;
        };
        let changed = scheme.clone().with_public_url(public);
        let Ok(verifier) = trial.verifier.with_scheme(changed) else {
            continue;
        };
        if trial.holds(&verifier, trial.parts, body, trial.now) {
            return configured.difference(&url);
        }
    }
    None
}

#[derive(Clone, PartialEq, Eq)]
struct Url {
    scheme: String,
    host: String,
    /// With its colon; may be empty.
    port: String,
    path: String,
    /// With its question mark; may be empty.
    query: String,
}

impl Url {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end)?;
        let (host, port) = split_port(authority);
        let (path, query) = split_query(target);
        Some(Self {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port: port.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
        })
    }

    fn text(&self) -> String {
        let Self {
            scheme,
            host,
            port,
            path,
            query,
        } = self;
        format!("{scheme}://{host}{port}{path}{query}")
    }

    /// One component changed, the likeliest first; then several.
    fn variants(&self, parts: &Parts) -> Vec<Self> {
        let schemes = [if self.scheme == "https" {
            "http"
        } else {
            "https"
        }];
        let authorities = self.authorities(parts);
        let paths = self.paths(parts);
        let queries = self.queries(parts);

        let with_authority = |url: &Self, (host, port): &(String, String)| Self {
            host: host.clone(),
            port: port.clone(),
            ..url.clone()
        };
        let with_path = |url: &Self, path: &String| Self {
            path: path.clone(),
            ..url.clone()
        };
        let with_query = |url: &Self, query: &String| Self {
            query: query.clone(),
            ..url.clone()
        };
        let mut all: Vec<Self> = schemes
            .iter()
            .map(|scheme| Self {
                scheme: (*scheme).to_owned(),
                ..self.clone()
            })
            .collect();
        let other_scheme = all.clone();
        all.extend(authorities.iter().map(|at| with_authority(self, at)));
        all.extend(paths.iter().map(|path| with_path(self, path)));
        all.extend(queries.iter().map(|query| with_query(self, query)));
        for url in other_scheme {
            all.extend(authorities.iter().map(|at| with_authority(&url, at)));
        }
        for path in &paths {
            let url = with_path(self, path);
            all.extend(queries.iter().map(|query| with_query(&url, query)));
            all.extend(authorities.iter().map(|at| with_authority(&url, at)));
        }
        all
    }

    /// Hosts that the request names, and ports that are left out or added.
    fn authorities(&self, parts: &Parts) -> Vec<(String, String)> {
        let header = |name: &str| parts.headers.get(name)?.to_str().ok();
        let named = [
            header(HOST.as_str()),
            original_uri(parts)
                .authority()
                .map(http::uri::Authority::as_str),
            header("x-forwarded-host"),
            header("x-original-host"),
        ];
        let mut all = vec![(self.host.clone(), String::new())];
        for port in [":443", ":80"] {
            all.push((self.host.clone(), port.to_owned()));
        }
        for authority in named.into_iter().flatten() {
            let (host, port) = split_port(authority);
            all.push((self.host.clone(), port.to_owned()));
            all.push((host.to_owned(), port.to_owned()));
            all.push((host.to_owned(), String::new()));
            all.push((host.to_owned(), self.port.clone()));
        }
        let mut unlike = HashSet::new();
        all.retain(|authority| unlike.insert(authority.clone()));
        all
    }

    /// Paths that the request names, with the configured prefix and without.
    fn paths(&self, parts: &Parts) -> Vec<String> {
        let header = |name: &str| parts.headers.get(name)?.to_str().ok();
        let received = original_uri(parts).path();
        let routed = parts.uri.path();
        let prefix = self.path.strip_suffix(received).unwrap_or_default();
        let toggled = match self.path.strip_suffix('/') {
            Some(without) => without.to_owned(),
            None => format!("{}/", self.path),
        };
        let mut all = vec![
            toggled,
            received.to_owned(),
            routed.to_owned(),
            format!("{prefix}{routed}"),
        ];
        let named = ["x-forwarded-prefix", "x-script-name"];
        for prefix in named.into_iter().filter_map(header) {
            all.push(format!("{}{received}", prefix.trim_end_matches('/')));
        }
        for target in ["x-original-uri", "x-original-url", "x-rewrite-url"] {
            let path = header(target).map(|target| split_query(target).0);
            all.extend(path.map(str::to_owned));
        }
        all
    }

    fn queries(&self, parts: &Parts) -> Vec<String> {
        let received = original_uri(parts).query();
        let received = received
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let current = match self.query.is_empty() {
            true => &received,
            false => &self.query,
        };
        let mut pairs: Vec<_> = current.trim_start_matches('?').split('&').collect();
        pairs.sort_unstable();
        let sorted = format!("?{}", pairs.join("&"));
        let spaced = current.replace("%20", "+");
        let escaped = current.replace('+', "%20");
        vec![String::new(), received, sorted, spaced, escaped]
    }

    /// What differs, named without quoting the request.
    fn difference(&self, signed: &Self) -> Option<Explanation> {
        let differs = [
            (self.host != signed.host, Cause::UrlHost, "host"),
            (self.path != signed.path, Cause::UrlPath, "path"),
            (self.port != signed.port, Cause::UrlPort, "port"),
            (self.scheme != signed.scheme, Cause::UrlScheme, "scheme"),
            (self.query != signed.query, Cause::UrlQuery, "query"),
        ];
        let mut differs = differs.into_iter().filter(|(differs, ..)| *differs);
        let (_, cause, first) = differs.next()?;
        let names = differs.fold(first.to_owned(), |names, (.., name)| {
            format!("{names} and {name}")
        });
        let how = match cause {
            Cause::UrlHost => "the one that the request names is signed",
            Cause::UrlPath => {
                "a prefix or a slash at the end was added or taken away by a router or a proxy"
            }
            Cause::UrlPort => "the provider writes the URL with another port, or without one",
            Cause::UrlScheme => "the other of `http` and `https` is signed",
            _ => "it was left out, added, sorted or escaped in another way",
        };
        Some(Explanation::proved(
            cause,
            format!(
                "The signature is right for a URL with another {names} than the configured one \
                 ({how}): configure the URL as it is registered with the provider, with \
                 `PublicUrl::base` or `PublicUrl::registered`."
            ),
        ))
    }
}

fn split_port(authority: &str) -> (&str, &str) {
    // A colon within brackets belongs to an IPv6 address.
    let host_end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let port = authority.get(host_end..).and_then(|text| text.find(':'));
    port.and_then(|colon| authority.split_at_checked(host_end + colon))
        .unwrap_or((authority, ""))
}

fn split_query(target: &str) -> (&str, &str) {
    let at = target.find('?').unwrap_or(target.len());
    target.split_at_checked(at).unwrap_or((target, ""))
}
