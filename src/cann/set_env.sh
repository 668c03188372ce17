# SPDX-License-Identifier: Apache-2.0
# Source this in bash or zsh: programs written to CANN find the toolkit tree that this file lies in. Another shell does
# not tell a sourced file its name: eval "$(isthmus cann env)" there.
# shellcheck disable=SC2296 # zsh's own
if [ -n "${BASH_VERSION:-}" ]; then
  eval 'ASCEND_TOOLKIT_HOME=${BASH_SOURCE[0]}'
elif [ -n "${ZSH_VERSION:-}" ]; then
  eval 'ASCEND_TOOLKIT_HOME=${(%):-%x}'
else
  echo 'set_env.sh: only bash and zsh can source this; here: eval "$(isthmus cann env)"' >&2
  return 1
fi
ASCEND_TOOLKIT_HOME=$(cd -- "$(dirname -- "$ASCEND_TOOLKIT_HOME")" && pwd)
export ASCEND_TOOLKIT_HOME
export ASCEND_HOME_PATH=$ASCEND_TOOLKIT_HOME
export ASCEND_OPP_PATH=$ASCEND_TOOLKIT_HOME/opp
export LD_LIBRARY_PATH=$ASCEND_TOOLKIT_HOME/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
