//! What the AWS CLI prints of roles and providers, and what the API answers.
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>

use super::view::View;
use super::{Reader, Role, Text, text, texts};
use crate::policy::caller;

pub(super) fn visit(reader: &mut Reader<'_>, view: View<'_>, pointer: &str) -> bool {
    let mut seen = false;
    if let Some(one) = view.get("Role").filter(|role| role.is_object()) {
        seen |= role(reader, one, &format!("{pointer}/Role"));
    }
    for name in ["Roles", "RoleDetailList"] {
        let Some(list) = view.get(name).filter(|list| list.is_list()) else { continue };
        seen = true;
        for (index, one) in list.elements().into_iter().enumerate() {
            role(reader, one, &format!("{pointer}/{name}/{index}"));
        }
    }
    if let Some(list) = view.get("OpenIDConnectProviderList").filter(|list| list.is_list()) {
        seen = true;
        for one in list.elements() {
            let arn = one.get("Arn").and_then(text);
            if let Some(url) = arn.and_then(url_of) {
                reader.provider(url, Vec::new(), Vec::new(), one.span());
            }
        }
    }
    if view.has("AssumeRolePolicyDocument") && view.has("RoleName") {
        seen |= role(reader, view, pointer);
    }
    if let Some(url) = view.get("Url").and_then(text)
        && (view.has("ClientIDList") || view.has("ThumbprintList"))
    {
        seen = true;
        reader.provider(url, texts(view.get("ClientIDList")), texts(view.get("ThumbprintList")), view.span());
    }
    seen || view.has("UserDetailList")
}

/// What the ARN says of the address, with the place of the ARN.
fn url_of(arn: Text) -> Option<Text> {
    caller::Role::of_arn(&arn.text)?;
    let (_, host) = arn.text.split_once(":oidc-provider/")?;
    Some(Text { text: host.to_owned(), span: arn.span })
}

fn role(reader: &mut Reader<'_>, view: View<'_>, pointer: &str) -> bool {
    let Some(document) = view.get("AssumeRolePolicyDocument") else { return false };
    let name = view.get("RoleName").filter(|name| name.filled().is_some());
    let attached = view.get("AttachedManagedPolicies").map(View::elements).unwrap_or_default();
    let role = Role {
        name: name.and_then(View::text).unwrap_or_default().to_owned(),
        arn: view.get("Arn").and_then(View::filled).map(str::to_owned),
        max_session_duration: view.get("MaxSessionDuration").and_then(View::number),
        attached: attached
            .into_iter()
            .filter_map(|policy| policy.get("PolicyArn").or_else(|| policy.get("PolicyName")).and_then(text))
            .collect(),
        span: name.unwrap_or(view).span(),
    };
    reader.policy(document, &format!("{pointer}/AssumeRolePolicyDocument"), Some(role));
    true
}
