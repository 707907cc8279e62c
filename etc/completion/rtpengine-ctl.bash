# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of rtpengine-ctl for bash: the program itself knows what may follow, call-ids included.
_rtpengine_ctl() {
	local line=${COMP_LINE:0:COMP_POINT} typed breaks='' break kept
	local -a words
	read -ra words <<< "$line"
	[[ $line == *[[:space:]] ]] && words+=('')
	typed=${words[-1]}
	if [[ ${words[-2]} == -*config-file ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$typed")
		compopt -o filenames
		return
	fi
	mapfile -t COMPREPLY < <("$1" complete "${words[@]:1}" 2>/dev/null)
	# bash takes : and = for ends of words and @ for the start of one: what stands before is not typed again
	for break in @ : =; do
		[[ $COMP_WORDBREAKS == *"$break"* ]] && breaks+=$break
	done
	if [[ $breaks && $typed == *["$breaks"]* ]]; then
		kept=${typed%"${typed##*["$breaks"]}"}
		kept=${kept%@}
		COMPREPLY=("${COMPREPLY[@]#"$kept"}")
	fi
}
complete -F _rtpengine_ctl rtpengine-ctl
