//! `policy generate`

use super::explain::given;
use super::{Desk, NO, WELL};
use crate::diagnostic::{Code, Diagnostic};
use crate::policy::generate::{Format, Generated, Unsound, Wanted, generate, json, summary};

pub(super) async fn run(desk: &Desk) -> Result<u8, Diagnostic> {
    let lookup = |name: &str| desk.flag(name).map(str::to_owned);
    let wanted = if desk.flag("--claims").is_some() {
        Wanted::of_claims(&given(desk).await?.caller.claims, lookup)
    } else {
        Wanted::read(lookup)
    };
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(failure) => {
            for diagnostic in failure.diagnostics() {
                desk.complain(diagnostic);
            }
            return Ok(failure.exit_code());
        }
    };
    let generated = generate(&wanted).map_err(|fault| unsound(&fault))?;
    match desk.flag("--output") {
        Some(folder) => write(desk, &generated, folder).await?,
        None => print(desk, &generated),
    }
    if let Some(path) = desk.flag("--proof") {
        put(desk, path, json(&generated), 0o644).await?;
    }
    desk.note(&summary(&generated).join("\n"));
    // What cannot be kept out by a policy was said; a proof that fails never comes this far.
    Ok(if generated.proof.iter().all(|mutation| mutation.refused) { WELL } else { NO })
}

fn print(desk: &Desk, generated: &Generated) {
    let wanted = desk.flag("--format").unwrap_or(Format::Policy.name());
    for artefact in generated.artefacts.iter().filter(|artefact| artefact.format.name() == wanted) {
        desk.print(artefact.text.trim_end());
    }
}

async fn write(desk: &Desk, generated: &Generated, folder: &str) -> Result<(), Diagnostic> {
    let wanted = desk.flag("--format");
    let artefacts = generated.artefacts.iter();
    for artefact in artefacts.filter(|artefact| wanted.is_none_or(|wanted| artefact.format.name() == wanted)) {
        let path = format!("{}/{}", folder.trim_end_matches('/'), artefact.format.file());
        let mode = if artefact.format == Format::Script { 0o755 } else { 0o644 };
        put(desk, &path, artefact.text.clone(), mode).await?;
        desk.print(&path);
    }
    Ok(())
}

async fn put(desk: &Desk, path: &str, text: String, mode: u32) -> Result<(), Diagnostic> {
    desk.channel.write_file(path, text, mode).await.map_err(|fault| {
        Diagnostic::new(Code::OptionInvalid, format!("{path} cannot be written")).fact("system says", &fault.detail)
    })
}

fn unsound(fault: &Unsound) -> Diagnostic {
    Diagnostic::new(Code::CapabilityMissing, "what was made does not pass its own proof, so it is not handed out")
        .fact("proof", fault.to_string())
        .fix("please report it, with the options that you gave")
}
