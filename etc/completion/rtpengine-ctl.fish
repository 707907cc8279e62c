# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of rtpengine-ctl for fish: the program itself knows what may follow, call-ids included.
function __rtpengine_ctl_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] complete $words[2..-1] 2>/dev/null
end
complete -c rtpengine-ctl -f -a '(__rtpengine_ctl_complete)'
complete -c rtpengine-ctl -F -n 'string match -q -- "-*config-file" (commandline -opc)[-1]'
