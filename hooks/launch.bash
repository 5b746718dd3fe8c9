# What the hooks have in common: finds something that runs JavaScript, has it do the work, and takes the exports over.
# Nothing here needs more than bash 3.2, which macOS has.

# ci_assume_role HOOK: does the plugin's work if this is the hook for it.
ci_assume_role() {
	local root status exports hook runtime shown
	hook=$(ci_assume_role_option HOOK)
	case $1:${hook:-environment} in
		environment:pre-command) return 0 ;;
		pre-command:pre-command) ;;
		pre-command:*) return 0 ;; # an unknown hook was refused before the checkout
	esac
	root=${BASH_SOURCE[0]%/*}/..
	root=$(cd "$root" && pwd) || exit 70

	runtime=$(ci_assume_role_option RUNTIME)
	if [ "$runtime" = docker ]; then
		ci_assume_role_docker "$root"
	else
		ci_assume_role_runtime "$root" "$runtime"
	fi

	# A shell that shows what it does would show the credentials.
	shown=${-//[!vx]/}
	set +vx
	# A job that is cancelled sends its signal to the plugin as well. This shell waits for what the plugin makes of it;
	# else the end of the terminal that they share would end the plugin before it can say so.
	trap : INT TERM
	# Standard output is text for this shell, and nobody else sees it: it is not written anywhere.
	status=0
	exports=$("${CI_ASSUME_ROLE_COMMAND[@]}") || status=$?
	trap - INT TERM
	unset CI_ASSUME_ROLE_COMMAND
	if [ "$status" -ne 0 ]; then exit "$status"; fi
	eval "$exports"
	if [ -n "$shown" ]; then set "-$shown"; fi
}

# ci_assume_role_option NAME: an option that has to be known before the plugin's own code can run. The agent flattens
# the configuration into variables that have the name under which the plugin was found.
ci_assume_role_option() {
	local variable="BUILDKITE_PLUGIN_${BUILDKITE_PLUGIN_NAME:-}_$1"
	printf '%s' "${!variable:-}"
}

# ci_assume_role_runtime ROOT NAME: the first runtime on PATH, or the one of that name.
ci_assume_role_runtime() {
	local names='node bun deno' name
	case $2 in node | bun | deno) names=$2 ;; esac # another value is refused by the plugin itself
	for name in $names; do
		command -v "$name" >/dev/null 2>&1 || continue
		CI_ASSUME_ROLE_COMMAND=("$name")
		if [ "$name" = deno ]; then CI_ASSUME_ROLE_COMMAND+=(run --allow-all --quiet); fi
		CI_ASSUME_ROLE_COMMAND+=("$1/js/buildkite.cjs")
		return 0
	done
	cat >&2 <<END
^^^ +++
error[runtime-missing]: nothing on PATH can run this plugin
  looked for      $names
  why             the image or machine that runs this step has no Node, Bun or Deno
  fix             1. where docker is there, as in the Elastic stack, set \`runtime: docker\`
                  2. in Kubernetes, set \`hook: pre-command\` and use an image with Node 18 or newer for the step
                  3. on agents of your own, install Node 18 or newer; hosted agents have it in their default images
END
	exit 2
}

# ci_assume_role_docker ROOT: Node in a container that is given this folder, the agent's Job API, and, by name, the
# variables that count. Values never stand in a command line.
ci_assume_role_docker() {
	local image name
	image=$(ci_assume_role_option DOCKER_IMAGE)
	if ! command -v docker >/dev/null 2>&1; then
		cat >&2 <<END
^^^ +++
error[runtime-missing]: nothing on PATH can run this plugin
  looked for      docker
  why             \`runtime: docker\` is set, and this machine has none
  fix             install docker, or remove \`runtime\` where Node, Bun or Deno is there
END
		exit 2
	fi
	CI_ASSUME_ROLE_COMMAND=(docker run --rm --init --user "$(id -u):$(id -g)" --volume "$1:/plugin:ro")
	for name in BUILDKITE_AGENT_JOB_API_SOCKET AWS_CA_BUNDLE NODE_EXTRA_CA_CERTS; do
		if [ -n "${!name:-}" ]; then CI_ASSUME_ROLE_COMMAND+=(--volume "${!name}:${!name}"); fi
	done
	while IFS= read -r name; do
		case $name in
			BUILDKITE* | AWS_* | CI | NO_COLOR | NODE_EXTRA_CA_CERTS | [Hh][Tt][Tt][Pp]_[Pp][Rr][Oo][Xx][Yy] | \
				[Hh][Tt][Tt][Pp][Ss]_[Pp][Rr][Oo][Xx][Yy] | [Aa][Ll][Ll]_[Pp][Rr][Oo][Xx][Yy] | [Nn][Oo]_[Pp][Rr][Oo][Xx][Yy])
				CI_ASSUME_ROLE_COMMAND+=(--env "$name")
				;;
		esac
	done <<END
$(compgen -e)
END
	# A tag that does not move, of https://hub.docker.com/_/node
	CI_ASSUME_ROLE_COMMAND+=("${image:-public.ecr.aws/docker/library/node:24.21.0-alpine}" node /plugin/js/buildkite.cjs)
}
