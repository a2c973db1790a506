# Calls that fail, made with curl: `failing.sh (METHOD URL MILLISECONDS BYTES)...`, as failing.py makes them.
while [ $# -ge 4 ]; do
  limit=$(awk "BEGIN { print ($3 == 0 ? 30 : $3 / 1000) }")
  url=$2
  case $url in
    # Kept for the next call, which has to be of the same process.
    */warm) warm=$url; shift 4; continue ;;
  esac
  any=
  case $url in https+any:*) any=-k; url=https${url#https+any} ;; esac
  if [ "$4" -gt 0 ]; then
    case $url in
      */stale) curl -s -o /dev/null "$warm" --next -s -o /dev/null -X "$1" -d uuuuuuuuuu "$url" ;;
      *) head -c "$4" /dev/zero | curl -s -o /dev/null -H 'Expect:' -X "$1" -m "$limit" --data-binary @- "$url" ;;
    esac
  else
    curl -s $any -o /dev/null -X "$1" -m "$limit" "$url"
  fi
  shift 4
done
true
