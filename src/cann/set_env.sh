# SPDX-License-Identifier: Apache-2.0
# Source this: programs written to CANN find the toolkit tree that this file lies in.
ASCEND_TOOLKIT_HOME=$(cd -- "$(dirname -- "${BASH_SOURCE[0]:-$0}")" && pwd)
export ASCEND_TOOLKIT_HOME
export ASCEND_HOME_PATH=$ASCEND_TOOLKIT_HOME
export ASCEND_OPP_PATH=$ASCEND_TOOLKIT_HOME/opp
export LD_LIBRARY_PATH=$ASCEND_TOOLKIT_HOME/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
