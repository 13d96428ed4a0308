# Sourced by the scripts that run many checks: named sections with times, a summary at the end, failure if any failed.

sections_failed=()
sections_times=()

# section NAME COMMAND...: runs the command under a heading; a failure is remembered and the next section still runs.
section() {
  local name=$1 start=$SECONDS verdict=ok status=0
  shift
  printf '\n==== %s\n' "$name"
  "$@" || status=$?
  if ((status != 0)); then
    verdict="FAILED (status $status)"
    sections_failed+=("$name")
  fi
  sections_times+=("$(printf '%5d s  %-34s %s' $((SECONDS - start)) "$name" "$verdict")")
  printf '==== %s: %s, %d s\n' "$name" "$verdict" $((SECONDS - start))
}

# Prints the summary; the script's exit status is this function's.
sections_end() {
  printf '\n==== summary\n'
  printf '%s\n' "${sections_times[@]}"
  printf '%5d s  in all\n' "$SECONDS"
  if ((${#sections_failed[@]})); then
    printf 'FAILED: %s\n' "${sections_failed[@]}"
    return 1
  fi
}
