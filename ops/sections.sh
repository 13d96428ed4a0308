# Sourced by the scripts that run many checks: named sections with times, a summary at the end, failure if any failed.
set -o pipefail # or a section's status would be that of what keeps its lines

sections_failed=()
sections_times=()
sections_logs=$(mktemp -d)
trap 'rm -rf "$sections_logs"' EXIT

# section NAME COMMAND...: runs the command under a heading; a failure is remembered and the next section still runs.
section() {
  local name=$1 start=$SECONDS verdict=ok status=0
  shift
  printf '\n==== %s\n' "$name"
  "$@" 2>&1 | tee "$sections_logs/${#sections_times[@]}" || status=${PIPESTATUS[0]}
  if ((status != 0)); then
    verdict="FAILED (status $status)"
    sections_failed+=("${#sections_times[@]} $name")
  fi
  sections_times+=("$(printf '%5d s  %-34s %s' $((SECONDS - start)) "$name" "$verdict")")
  printf '==== %s: %s, %d s\n' "$name" "$verdict" $((SECONDS - start))
}

# Prints the summary, and once more how each failed section ended; the script's exit status is this function's.
sections_end() {
  local failed
  printf '\n==== summary\n'
  printf '%s\n' "${sections_times[@]}"
  printf '%5d s  in all\n' "$SECONDS"
  for failed in "${sections_failed[@]}"; do
    printf '\n==== the end of: %s\n' "${failed#* }"
    tail -n 60 "$sections_logs/${failed%% *}"
  done
  for failed in "${sections_failed[@]}"; do printf 'FAILED: %s\n' "${failed#* }"; done
  ((${#sections_failed[@]} == 0))
}
