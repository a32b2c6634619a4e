#!/bin/sh
# npm, but for what would ask the registry: installing is a link to packages that are here already. That the site names its
# packages, and that `npm ci` has a lock to read, is asked as npm does. All else, `npm run` above all, is npm's own.
modules='MODULES'
case "$1" in
  ci | install)
    [ -f package.json ] || { echo "npm error enoent Could not read package.json" >&2; exit 254; }
    if [ "$1" = ci ] && ! [ -f package-lock.json ] && ! [ -f npm-shrinkwrap.json ]; then
      echo "npm error The \`npm ci\` command can only install with an existing package-lock.json" >&2
      exit 1
    fi
    [ -d "$modules" ] || { echo "npm error no packages are here: CRIEUR_TEST_NODE_MODULES names none" >&2; exit 1; }
    ln -sfn "$modules" node_modules
    ;;
  *)
    here=$(dirname "$0")
    PATH=$(printf %s "$PATH" | tr ':' '\n' | grep -Fxv "$here" | paste -sd:) exec npm "$@"
    ;;
esac
