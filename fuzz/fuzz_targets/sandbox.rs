//! The sandbox: any form, any request for a token, and any configuration.
#![no_main]

use ci_assume_role::sandbox;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|input: (String, String, String, i64)| {
    let (body, config, audience, now) = input;
    let config: serde_json::Value = serde_json::from_str(&config).unwrap_or_else(|_| sandbox::default_config());
    let _ = sandbox::claims(&json!({ "config": config, "audience": audience, "now": now }).to_string());
    for path in ["/v3/jobs/a/oidc/tokens", "/build/a/id_token.json"] {
        let authorization = if path.starts_with("/v3") { "Token a" } else { "a" };
        let headers = json!({ "authorization": authorization, "build_api_token": "a" });
        let request = json!({ "method": "POST", "path": path, "headers": headers, "body": body, "key": "a" });
        let _ = sandbox::claims(&json!({ "config": config, "request": request, "now": now }).to_string());
    }
    let request = json!({ "config": config, "body": body, "signature": "valid", "seed": "00", "now": now });
    if let Ok(answer) = sandbox::answer(&request.to_string()) {
        assert!(!answer.log.contains('\n'), "the line for the terminal is more than one");
    }
});
