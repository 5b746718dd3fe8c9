//! Plans and states as `terraform show -json` prints them; OpenTofu's are the same.
//! <https://developer.hashicorp.com/terraform/internals/json-format>

use std::collections::{HashMap, HashSet};

use super::view::View;
use super::{Reader, Role, Text, Why, is_document, text, texts};

/// Modules in modules.
const MAX_DEPTH: usize = 50;

pub(super) fn visit(reader: &mut Reader<'_>, view: View<'_>, pointer: &str) -> bool {
    let is_ours = view.has("format_version") || view.has("terraform_version");
    let planned = view.get("planned_values").map(|values| (values, "/planned_values"));
    let state = view.get("values").filter(|_| is_ours).map(|values| (values, "/values"));
    let Some((values, path)) = planned.or(state) else { return is_ours && view.has("terraform_version") };
    let mut plan = Plan::default();
    plan.module(values.get("root_module"), &format!("{pointer}{path}/root_module"), 0);
    // What data sources say is known before anything is changed.
    if let Some(root) = view.get("prior_state").and_then(|prior| prior.get("values")?.get("root_module")) {
        plan.prior = true;
        plan.module(Some(root), &format!("{pointer}/prior_state/values/root_module"), 0);
    }
    plan.hand_out(reader);
    true
}

#[derive(Default)]
struct Plan<'a> {
    roles: Vec<Resource<'a>>,
    providers: Vec<Resource<'a>>,
    documents: Vec<Resource<'a>>,
    /// By the name of the role.
    attachments: HashMap<&'a str, Vec<Text>>,
    prior: bool,
}

struct Resource<'a> {
    address: &'a str,
    values: View<'a>,
    /// Of the values.
    pointer: String,
}

impl<'a> Plan<'a> {
    fn module(&mut self, module: Option<View<'a>>, pointer: &str, depth: usize) {
        let Some(module) = module.filter(|_| depth < MAX_DEPTH) else { return };
        let list = |name: &str| module.get(name).map(View::elements).unwrap_or_default().into_iter().enumerate();
        for (index, resource) in list("resources") {
            self.resource(resource, &format!("{pointer}/resources/{index}/values"));
        }
        for (index, child) in list("child_modules") {
            self.module(Some(child), &format!("{pointer}/child_modules/{index}"), depth + 1);
        }
    }

    fn resource(&mut self, view: View<'a>, pointer: &str) {
        let Some(values) = view.get("values") else { return };
        let address = view.get("address").and_then(View::text).unwrap_or_default();
        let is_data = view.get("mode").and_then(View::text) == Some("data");
        let resource = || Resource { address, values, pointer: pointer.to_owned() };
        match (view.get("type").and_then(View::text), is_data) {
            (Some("aws_iam_policy_document"), true) => self.documents.push(resource()),
            // Of what is there already the plan says what becomes of it.
            _ if self.prior && !is_data => {}
            (Some("aws_iam_role" | "awscc_iam_role"), false) => self.roles.push(resource()),
            (Some("aws_iam_openid_connect_provider"), _) => self.providers.push(resource()),
            (Some("aws_iam_role_policy_attachment"), false) => {
                let role = values.get("role").and_then(View::text);
                if let (Some(role), Some(arn)) = (role, values.get("policy_arn").and_then(text)) {
                    self.attachments.entry(role).or_default().push(arn);
                }
            }
            _ => {}
        }
    }

    fn hand_out(self, reader: &mut Reader<'_>) {
        for Resource { values, .. } in &self.providers {
            if let Some(url) = values.get("url").and_then(text) {
                let list = |name: &str| texts(values.get(name));
                reader.provider(url, list("client_id_list"), list("thumbprint_list"), values.span());
            }
        }
        let mut written = HashSet::new();
        for Resource { address, values, pointer } in &self.roles {
            let role = self.role(address, *values);
            let names = ["assume_role_policy", "assume_role_policy_document"];
            match names.iter().find_map(|name| Some((name, values.get(name).filter(|value| value.filled().is_some())?)))
            {
                Some((name, document)) => {
                    if !self.documents.is_empty() {
                        written.extend(document.text().map(dense));
                    }
                    reader.policy(document, &format!("{pointer}/{name}"), Some(role));
                }
                None => reader.unread(role.span, pointer, Some(role), Why::NotYetKnown),
            }
        }
        // Documents that no role of the plan has, such as those of modules elsewhere.
        for Resource { address, values, pointer } in &self.documents {
            let Some(document) = values.get("json") else { continue };
            let Some(json) = document.text().filter(|json| is_document(json) && json.contains("sts:AssumeRole")) else {
                continue;
            };
            if written.insert(dense(json)) {
                let role = Role { name: (*address).to_owned(), span: document.span(), ..Role::default() };
                reader.policy(document, &format!("{pointer}/json"), Some(role));
            }
        }
    }

    fn role(&self, address: &str, values: View<'a>) -> Role {
        let name =
            ["name", "role_name"].iter().find_map(|name| values.get(name).filter(|name| name.filled().is_some()));
        let plain = name.and_then(View::text);
        let mut attached = texts(values.get("managed_policy_arns"));
        attached.extend(plain.and_then(|name| self.attachments.get(name)).into_iter().flatten().cloned());
        Role {
            name: plain.unwrap_or(address).to_owned(),
            arn: values.get("arn").and_then(View::filled).map(str::to_owned),
            max_session_duration: values.get("max_session_duration").and_then(View::number),
            attached,
            span: name.unwrap_or(values).span(),
        }
    }
}

/// To tell two documents apart that differ in more than white space and the order of their members.
fn dense(json: &str) -> String {
    serde_json::from_str::<serde_json::Value>(json).map_or_else(|_| json.to_owned(), |value| value.to_string())
}
