//! What presets read from a delivery, as the providers document one: which
//! event it is, whether a retry is the same one, and of which type.

use http::HeaderValue;
use tower_webhook::provider;
use tower_webhook::signature::{PublicUrl, Scheme};

use crate::support::{NOW, signer, verifier};

struct Example {
    scheme: Scheme,
    body: &'static str,
    header: Option<(&'static str, &'static str)>,
    id: Option<&'static str>,
    event_type: Option<&'static str>,
}

fn example(scheme: Scheme, body: &'static str) -> Example {
    Example {
        scheme,
        body,
        header: None,
        id: None,
        event_type: None,
    }
}

impl Example {
    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    fn id(mut self, id: &'static str) -> Self {
        self.id = Some(id);
        self
    }

    fn event_type(mut self, event_type: &'static str) -> Self {
        self.event_type = Some(event_type);
        self
    }

    fn check(self) {
        let name = self.scheme.name().to_owned();
        let mut request = signer(&self.scheme).sign("/hook", self.body);
        if let Some((header, value)) = self.header {
            let value = HeaderValue::from_static(value);
            request.headers_mut().insert(header, value);
        }
        let (parts, body) = request.into_parts();
        let verifier = verifier(&self.scheme);
        let verified = verifier.verify(&parts, &body, NOW).unwrap();
        let id = verified.event_id().unwrap();
        assert_eq!(id.as_ref().map(|id| id.as_str()), self.id, "{name}");
        assert_eq!(verified.event_type().as_deref(), self.event_type, "{name}");
    }
}

fn url() -> PublicUrl {
    PublicUrl::base("https://example.com").unwrap()
}

#[test]
fn ids_in_the_body_are_those_of_the_event() {
    for example in [
        example(
            provider::square(url()),
            r#"{"merchant_id":"ML","type":"payment.created","event_id":"13b867cf","data":{"type":"payment","id":"hYy9"}}"#,
        )
        .id("13b867cf")
        .event_type("payment.created"),
        example(
            provider::trello(url()),
            r#"{"action":{"id":"51f9d277","type":"voteOnCard"},"model":{"id":"4d5ea62f"}}"#,
        )
        .id("51f9d277")
        .event_type("voteOnCard"),
        example(
            provider::circleci(),
            r#"{"type":"workflow-completed","id":"3888f21b","workflow":{"id":"fda08377"}}"#,
        )
        .id("3888f21b")
        .event_type("workflow-completed"),
        example(
            provider::coinbase_commerce(),
            r#"{"id":1,"attempt_number":2,"event":{"id":"24934862","type":"charge:created"}}"#,
        )
        .id("24934862")
        .event_type("charge:created"),
        example(
            provider::orb(),
            r#"{"id":"o4mmewpfNNTnjfZc","created_at":"2024-03-27T15:42:29+00:00",
                "type":"resource_event.test","properties":{}}"#,
        )
        .id("o4mmewpfNNTnjfZc")
        .event_type("resource_event.test"),
        example(
            provider::gocardless(),
            r#"{"events":[{"id":"EV01J7QRF0KJWR","resource_type":"mandates","action":"active",
                "links":{"mandate":"MD000ZQT5CPCVV"}}],"meta":{"webhook_id":"WB002KK5HPCPWD"}}"#,
        )
        .id("EV01J7QRF0KJWR"),
        example(
            provider::line(),
            r#"{"destination":"Uc7472b39","events":[{"type":"message","message":{"id":"1"},
                "webhookEventId":"01G17EJCGAVV66J5WNA7ZCTF6H",
                "deliveryContext":{"isRedelivery":false},"timestamp":1650591346705}]}"#,
        )
        .id("01G17EJCGAVV66J5WNA7ZCTF6H"),
        example(
            provider::heroku(),
            r#"{"action":"create","id":"7846bee9","data":{"id":"25bfb830"},"webhook_metadata":
                {"attempt":{"id":"8a44f820"},"delivery":{"id":"d244009a"},
                "event":{"id":"7846bee9","include":"api:addon-attachment"}}}"#,
        )
        .id("7846bee9")
        .event_type("api:addon-attachment"),
        example(
            provider::intercom(),
            r#"{"type":"notification_event","id":"notif_78c1","topic":"user.created",
                "delivery_attempts":1,"data":{"item":{"id":"530370b4"}}}"#,
        )
        .id("notif_78c1")
        .event_type("user.created"),
        example(
            provider::mux(),
            r#"{"type":"video.asset.ready","id":"3a56ac3d","object":{"id":"0201p02f"},
                "data":{"id":"0201p02f"},"attempts":[]}"#,
        )
        .id("3a56ac3d")
        .event_type("video.asset.ready"),
        example(
            provider::notion(),
            r#"{"id":"367cba44","type":"page.created","attempt_number":2,
                "entity":{"id":"153104cd","type":"page"}}"#,
        )
        .id("367cba44")
        .event_type("page.created"),
        example(
            provider::pagerduty(),
            r#"{"event":{"id":"5ac64822","event_type":"incident.priority_updated",
                "resource_type":"incident","data":{"id":"PGR0VU2","type":"incident"}}}"#,
        )
        .id("5ac64822")
        .event_type("incident.priority_updated"),
        example(
            provider::tally(),
            r#"{"eventId":"a4cb511e","eventType":"FORM_RESPONSE","data":{"responseId":"2wgx4n"}}"#,
        )
        .id("a4cb511e")
        .event_type("FORM_RESPONSE"),
        example(
            provider::telegram(),
            r#"{"update_id":10000,"message":{"message_id":1365,"text":"/start"}}"#,
        )
        .id("10000"),
        example(
            provider::terraform_run_task(),
            r#"{"stage":"post_plan","run_id":"run-i3Df5to9","task_result_id":"taskrs-2nH5dncY"}"#,
        )
        .id("taskrs-2nH5dncY")
        .event_type("post_plan"),
        example(
            provider::typeform(),
            r#"{"event_id":"LtWXD3crgy","event_type":"form_response",
                "form_response":{"form_id":"lT4Z3j","token":"a3a12ec6"}}"#,
        )
        .id("LtWXD3crgy")
        .event_type("form_response"),
        example(
            provider::vercel(),
            r#"{"id":"uev_CgdyTOu4i8Vf","type":"deployment.created","createdAt":1700000000000,
                "payload":{"deployment":{"id":"dpl_1"}}}"#,
        )
        .id("uev_CgdyTOu4i8Vf")
        .event_type("deployment.created"),
        example(
            provider::workos(),
            r#"{"id":"event_01H2","event":"dsync.user.created","data":{"id":"directory_user_01"}}"#,
        )
        .id("event_01H2")
        .event_type("dsync.user.created"),
    ] {
        example.check();
    }
}

#[test]
fn ids_in_a_header_are_those_of_the_event() {
    for example in [
        example(provider::twilio(url()), "MessageSid=SM1&MessageStatus=sent"),
        example(provider::clerk(), r#"{"type":"user.created"}"#).event_type("user.created"),
        example(provider::resend(), r#"{"type":"email.sent"}"#).event_type("email.sent"),
        example(
            provider::openai(),
            r#"{"id":"evt_6","type":"response.completed"}"#,
        )
        .event_type("response.completed"),
        example(provider::gitea(), "{}")
            .header("x-gitea-event", "push")
            .event_type("push"),
        example(provider::forgejo(), "{}")
            .header("x-forgejo-event", "push")
            .event_type("push"),
        example(
            provider::jira(),
            r#"{"webhookEvent":"jira:issue_created","issue":{"id":"1"}}"#,
        )
        .event_type("jira:issue_created"),
        example(
            provider::razorpay(),
            r#"{"event":"payment.captured","payload":{"payment":{"entity":{"id":"pay_1"}}}}"#,
        )
        .event_type("payment.captured"),
        example(provider::sanity(), r#"{"_id":"resume"}"#)
            .header("sanity-operation", "update")
            .event_type("update"),
        example(
            provider::zendesk(),
            r#"{"id":"01GJ","type":"zen:event-type:user.created"}"#,
        )
        .event_type("zen:event-type:user.created"),
    ] {
        // What the signer puts where the preset reads an id.
        example.id("evt_test").check();
    }
}

/// Ids that look right and name something else, which many events have in
/// common.
#[test]
fn ids_of_resources_and_hooks_are_not_those_of_events() {
    for example in [
        example(
            provider::adyen_platform(),
            r#"{"type":"balancePlatform.accountHolder.created","data":{"accountHolder":{"id":"AH1"}}}"#,
        )
        .event_type("balancePlatform.accountHolder.created"),
        example(
            provider::airtable(),
            r#"{"base":{"id":"app1"},"webhook":{"id":"ach1"},"timestamp":"2022-02-01T21:25:05.663Z"}"#,
        ),
        example(provider::asana(), r#"{"events":[{"resource":{"gid":"1"}}]}"#)
            .header("x-hook-id", "hook"),
        example(
            provider::azure_event_grid_header(),
            r#"[{"id":"831e1650","eventType":"Microsoft.Storage.BlobCreated"}]"#,
        )
        .header("aeg-event-type", "Notification")
        .event_type("Notification"),
        example(provider::buildkite_signature(), r#"{"event":"ping","service":{"id":"c9f8372d"}}"#)
            .event_type("ping"),
        example(
            provider::calendly(),
            r#"{"event":"invitee.created","payload":{"uri":"https://api.calendly.com/x"}}"#,
        )
        .event_type("invitee.created"),
        example(
            provider::cloudflare_notifications(),
            r#"{"alert_type":"advanced_ddos_attack_l4_alert","alert_correlation_id":"000eaa90"}"#,
        )
        .event_type("advanced_ddos_attack_l4_alert"),
        example(provider::cloudflare_stream(), r#"{"uid":"6b9e68b0","status":{"state":"ready"}}"#)
            .event_type("ready"),
        example(
            provider::flutterwave_v3(),
            r#"{"event":"charge.completed","data":{"id":285959875}}"#,
        )
        .event_type("charge.completed"),
        example(
            provider::flutterwave_v4(),
            r#"{"webhook_id":"wbk_1","type":"charge.completed","data":{"id":"chg_1"}}"#,
        )
        .event_type("charge.completed"),
        example(
            provider::lemon_squeezy(),
            r#"{"meta":{"event_name":"order_created"},"data":{"type":"orders","id":"1"}}"#,
        )
        .event_type("order_created"),
        example(provider::paystack(), r#"{"event":"charge.success","data":{"id":302961}}"#)
            .event_type("charge.success"),
        example(provider::quickbooks(), r#"{"eventNotifications":[{"realmId":"1"}]}"#),
        example(provider::sentry(), r#"{"action":"created","installation":{"uuid":"a8e5d37a"}}"#)
            .header("sentry-hook-resource", "issue")
            .event_type("issue"),
        example(
            provider::terraform(),
            r#"{"run_id":"run-1","notifications":[{"trigger":"run:completed"}]}"#,
        )
        .event_type("run:completed"),
        example(
            provider::hubspot_v3(url()),
            r#"[{"eventId":1,"subscriptionId":12345,"subscriptionType":"contact.creation","attemptNumber":0}]"#,
        ),
        example(provider::mandrill(url()), "mandrill_events=%5B%7B%22_id%22%3A%221%22%7D%5D"),
        example(provider::x_twitter(), r#"{"for_user_id":"1","tweet_create_events":[]}"#),
        example(provider::xero(), r#"{"events":[{"resourceId":"717f2bfc"}],"entropy":"S0m3"}"#),
    ] {
        example.check();
    }
}

/// A delivery that has no id, or `null`, is known by what was signed.
#[test]
fn some_deliveries_of_a_provider_have_no_id() {
    for example in [
        example(
            provider::intercom(),
            r#"{"type":"notification_event","id":null,"topic":"ping"}"#,
        )
        .event_type("ping"),
        example(
            provider::notion(),
            r#"{"verification_token":"secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}"#,
        ),
    ] {
        assert!(!example.scheme.requires_event_id());
        example.check();
    }
}
