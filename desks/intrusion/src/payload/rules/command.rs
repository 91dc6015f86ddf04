//! Commands of a shell where a value belongs.
//!
//! A command's name alone says nothing where it is a word too ("time", "find", "more"): it needs a sign that ends the command
//! before it, and an option, a path or nothing behind it.

use crate::Class::Rce;
use crate::hit::Weight::{Sign, Strong};

use super::rule::{Rule, Scope, rule};

/// Commands whose names are no words of English (POSIX.1-2024 utilities, GNU, BSD and Windows command references).
macro_rules! commands {
    () => {
        concat!(
            r"wget|curl|lwp-download|ncat|netcat|socat|telnet|tftp|bash|zsh|ksh|csh|tcsh|busybox|python[0-9.]*|perl|",
            r"php[0-9.]*|gawk|awk|egrep|fgrep|xargs|chmod|chown|chgrp|rmdir|mkdir|killall|pkill|nohup|sudo|useradd|usermod|",
            r"adduser|userdel|crontab|systemctl|umount|gunzip|bunzip2|unzip|bzip2|base64|xxd|hexdump|openssl|gcc|g\+\+|",
            r"apt-get|dpkg|kubectl|nslookup|traceroute|tracepath|nmap|tcpdump|iptables|strace|gdb|tmux|whoami|uname|",
            r"ifconfig|ipconfig|netstat|printenv|printf|lsof|lsblk|dmesg|tac|zcat|bzcat|xzcat|zstdcat|bsdtar|bsdcat|getent|",
            r"getfacl|setfacl|logname|lastlog|sysctl|tasklist|taskkill|systeminfo|netsh|certutil|bitsadmin|powershell|pwsh|",
            r"rundll32|regsvr32|mshta|wscript|cscript|wmic|schtasks|icacls|cacls|robocopy|xcopy|findstr|nltest|dsquery|",
            r"qwinsta|sc\.exe|cmd\.exe",
        )
    };
}

/// The same, and commands whose names are words, names of people (Ruby) or of states (NC, ID).
macro_rules! all_commands {
    () => {
        concat!(
            r"cat|tar|cut|sort|head|tail|more|less|find|grep|touch|kill|sh|at|su|ed|ex|vi|vim|nano|tee|ln|nl|od|dig|host|",
            r"hostname|ping|ssh|scp|ftp|git|make|time|timeout|sleep|exec|eval|source|export|set|alias|test|expr|mail|date|",
            r"view|top|mount|service|zip|gzip|xz|apt|yum|apk|rpm|docker|node|lua|ruby|dash|lynx|nc|echo|id|ls|ll|pwd|ps|rm|",
            r"cp|mv|dd|df|du|env|type|dir|copy|del|move|net|start|reg|ver|rename|rc|nice|watch|screen|script|fetch|ip|",
            r"uptime|arp|attrib|sed|pip[0-9.]*|npm|aa-disable|ss|who|w|wget|curl|lwp-download|ncat|netcat|socat|telnet|tftp|",
            r"bash|zsh|ksh|csh|tcsh|busybox|python[0-9.]*|perl|php[0-9.]*|gawk|awk|egrep|fgrep|xargs|chmod|chown|chgrp|",
            r"rmdir|mkdir|killall|pkill|nohup|sudo|useradd|usermod|adduser|userdel|crontab|systemctl|umount|gunzip|bunzip2|",
            r"unzip|bzip2|base64|xxd|hexdump|openssl|gcc|g\+\+|apt-get|dpkg|kubectl|nslookup|traceroute|tracepath|nmap|",
            r"tcpdump|iptables|strace|gdb|tmux|whoami|uname|ifconfig|ipconfig|netstat|printenv|printf|lsof|lsblk|dmesg|tac|",
            r"zcat|bzcat|xzcat|zstdcat|bsdtar|bsdcat|getent|getfacl|setfacl|logname|lastlog|sysctl|tasklist|taskkill|",
            r"systeminfo|netsh|certutil|bitsadmin|powershell|pwsh|rundll32|regsvr32|mshta|wscript|cscript|wmic|schtasks|",
            r"icacls|cacls|robocopy|xcopy|findstr|nltest|dsquery|qwinsta|sc\.exe|cmd\.exe",
        )
    };
}

/// Commands that are sent without an argument.
macro_rules! lone_commands {
    () => {
        concat!(r"whoami|uname|ifconfig|ipconfig|netstat|systeminfo|printenv|ls|pwd|hostname",)
    };
}

/// What follows a command and no word: an option, a path of a server, a variable.
macro_rules! argument {
    () => {
        concat!(
            r"(?:-{1,2}[a-z0-9?][\w=-]*(?:\s|$|,|['\x22])|/(?:etc|bin|sbin|usr|var|tmp|home|dev|proc|opt|root|sys|srv|mnt|lib|boot)\b",
            r"|/[\w.-]+/[\w.*?-]|/[a-z]{0,4}[*?]|\.{1,2}/[\w.*?]|~/|\$[a-z_({]|(?:https?|ftp)://|[a-z]:\\)"
        )
    };
}

/// Signs of a shell without one of which nothing below is tried.
const SIGNS: &[&str] = &[";", "|", "&", "`", "$(", "\n", "<(", ">("];

/// Beginnings of an argument, without one of which a command that is a word says nothing.
const ARGUMENTS: &[&str] = &[
    " -", " /", " .", " ~", " $", " http", " ftp", "if=", ":\\", "+/", "+-", "'/", "\"/", "' /", "\" /",
    "'-", "\"-", "\t-", "\t/",
];

pub(super) const RULES: &[Rule] = &[
    rule(
        Rce,
        "command-after-sign",
        Strong,
        Scope::ANY,
        SIGNS,
        concat!(
            r"(?:[;|&`\n]|\$\(|[<>]\()[\s'\x22({@]*(?:[a-z_]\w*=\S*\s+)*(?:time\s+|sudo\s+|nohup\s+|exec\s+|command\s+)?(?:/[\w/.-]*/)?(?:",
            commands!(),
            r")(?:\s+[^\s=]|[;|&<>)`\n]|\s*$|['\x22])",
        ),
    ),
    rule(
        Rce,
        "lone-command-after-sign",
        Strong,
        Scope::VALUE,
        SIGNS,
        concat!(
            r"(?:[;|&`\n]|\$\()\s*(?:",
            lone_commands!(),
            r")\s*(?:[;|&`)#\n]|$|\d*>)"
        ),
    ),
    // A value that begins with the sign, or is an address before it, is no sentence.
    rule(
        Rce,
        "value-begins-with-sign",
        Strong,
        Scope::VALUE,
        SIGNS,
        concat!(
            r"^\s*(?:[;|`\n]|&&|\|\|)\s*(?:",
            all_commands!(),
            r"|mysql|systemctl|service)(?:[\s;|&`#]|$)|^\d{1,3}(?:\.\d{1,3}){3}\s*[;|&`\n]+\s*(?:",
            all_commands!(),
            r")(?:[\s;|&`#]|$)|^[<>]\(\s*\w+\s*\)$|\$\(\(\s*\d[^)]*\)\)",
        ),
    ),
    rule(
        Rce,
        "word-command-after-sign",
        Strong,
        Scope::ANY,
        SIGNS,
        concat!(
            r"(?:[;|&`\n]|\$\(|[<>]\()[\s'\x22({@]*(?:[a-z_]\w*=\S*\s+)*(?:",
            all_commands!(),
            r")[\s+]+(?:",
            argument!(),
            r"|\d{1,2}:\d\d\s+\x22|[\w-]+\.(?:txt|sh|py|pl|php|conf|log|zst|gz|sql|db|aspx?|config|ini)\b)|[;|&`\n]\s*echo\s*['\x22]",
        ),
    ),
    rule(
        Rce,
        "command-with-option",
        Strong,
        Scope::VALUE,
        ARGUMENTS,
        concat!(
            r"^[\s'\x22({;]*(?:time[\s'\x22]+|sudo\s+|nohup\s+|env\s+)?(?:\S*/)?(?:",
            all_commands!(),
            r")['\x22]?[\s+]+(?:",
            argument!(),
            r"|if=)",
        ),
    ),
    rule(
        Rce,
        "command-runs-command",
        Strong,
        Scope::VALUE,
        &[
            "time ", "time'", "time\"", "sudo ", "nohup ", "xargs ", "timeout ", "env ", "exec ",
        ],
        concat!(
            r"^[\s'\x22({;]*(?:time|sudo|nohup|xargs|timeout\s+\d+|env|exec)['\x22]*\s+(?:(?:",
            commands!(),
            r"|sh)\b)",
        ),
    ),
    rule(
        Rce,
        "command-then-sign",
        Strong,
        Scope::VALUE,
        &[
            "whoami",
            "uname",
            "ifconfig",
            "ipconfig",
            "netstat",
            "systeminfo",
            "printenv",
        ],
        r"^\s*(?:whoami|uname(?:\s+-\w+)?|ifconfig|ipconfig|netstat|systeminfo|printenv)\s*[;|&]",
    ),
    rule(
        Rce,
        "installs-software",
        Strong,
        Scope::VALUE,
        &[
            " install ",
            " update ",
            " upgrade ",
            " remove ",
            " uninstall ",
            " download ",
            " add ",
            " exec ",
        ],
        r"^[\s'\x22;|&]*(?:sudo\s+)?(?:pip[0-9.]*|npm|npx|yarn|apt|apt-get|yum|dnf|apk|brew|gem|cargo|conda|easy_install|pacman|zypper|snap|choco)\s+(?:install|update|upgrade|remove|uninstall|download|exec|add)\s+\S",
    ),
    rule(
        Rce,
        "runs-script-file",
        Strong,
        Scope::VALUE,
        &[".sh", ".py", ".ps1", ".bat", ".pl", ".rb", "python"],
        r"^\s*(?:rc|sh|bash|ksh|zsh|dash|csh|python[0-9.]*|perl|ruby|node|cscript|wscript|source|\.)\s+[\w./\\-]+\.(?:sh|py|pl|rb|js|vbs|ps1|bat|cmd)\b|^\s*python[0-9.]+\s+\w",
    ),
    rule(
        Rce,
        "administration-command",
        Strong,
        Scope(2 | 4),
        &[
            "ansible",
            "chef",
            "visudo",
            "cscli",
            "puppet ",
            "terraform ",
            "kubectl",
            "knife ",
            "salt-call",
        ],
        r"(?:^|[=/])['\x22]?(?:(?:ansible(?:-(?:config|galaxy|console|doc|inventory|pull|vault|playbook))?|chef(?:-(?:vault|shell|run|client|solo|apply))?|cscli|kubectl|terraform|puppet|knife|salt-call)\s+\w|(?:ansible-(?:config|galaxy|console|doc|inventory|pull|vault|playbook)|chef-(?:vault|shell|run|client|solo|apply)|visudo)(?:\s|$|['\x22]))|(?:^|[/=])s?bin/(?:ansible|chef|cscli|visudo)",
    ),
    rule(
        Rce,
        "binary-path",
        Strong,
        Scope::VALUE,
        &["bin/"],
        r"(?:^|[^\w-])/(?:usr/(?:local/)?)?s?bin/[a-z\[?*]|/usr/(?:local/)?(?:s?bin|lib|share)/\w",
    ),
    rule(
        Rce,
        "reverse-shell",
        Strong,
        Scope::ANY,
        &[
            "/dev/tcp", "/dev/udp", "0>&1", "2>&1", "mkfifo", "nc ", "ncat ", "sh -i", "/tcp/", "/inet/",
        ],
        r"/dev/(?:tcp|udp)/|\b[0-2][<>]&[0-2]|\bmkfifo\b|\bn(?:et)?c(?:at)?\s+(?:-\w+\s+)*[\w.-]+\s+\d+\s*(?:-e|-c|<|>|\|)|\bn(?:et)?c(?:at)?\s+-\w*[el]\w*\s|\bsh\s+-i\b|\$\w+/tcp/\d|/inet/tcp/",
    ),
    rule(
        Rce,
        "shell-variable",
        Strong,
        Scope::ANY,
        &[
            "$ifs", "${ifs", "$shell", "${shell", "$path", "${path", "$bash", "${home", "$pwd", "${pwd",
            "$0", "$@", "$*",
        ],
        r"\$\{?ifs\b|\$\{?(?:shell|bash|0)\}?\s+-\w|\$\{(?:path|home|pwd|shell|ps\d|hostname|oldpwd):\d|\w\$[@*]\w",
    ),
    rule(
        Rce,
        "substituted-command",
        Strong,
        Scope::ANY,
        &["$(", "`", "$[", "$'"],
        concat!(
            r"\$\(\s*(?:",
            all_commands!(),
            r")\b[^)]{0,200}\)|`\s*(?:",
            all_commands!(),
            r")(?:\s+[^`]{1,200})?`|\$\[\$?\(|\$\(\([^)]*\)\)\w|\(\s*sh\s*\)\s*\d?>",
        ),
    ),
    rule(
        Rce,
        "function-in-header",
        Strong,
        Scope::ANY,
        &["()"],
        r"(?:^|[=\s])\(\)\s*\{",
    ),
    rule(
        Rce,
        "wildcard-path",
        Strong,
        Scope::VALUE,
        &["?/", "/?", "*", "??", "?"],
        r"(?:^|[\s;|&(+,{`])/(?:[a-z]{0,4}[*?]+[a-z?*]*|[?]{2,3}|[a-z]{2,4})/(?:[a-z]*[?*][a-z?*]*)(?:\s|$|[/,;|&}]|\+)",
    ),
    rule(
        Rce,
        "brace-expansion",
        Strong,
        Scope::PARAMETER,
        &["{"],
        concat!(
            r#"^\{,[^{}:]{1,80}\}$|(?:^|[;|&`(\s])(?:[a-z]\{[\w,-]{1,30},[\w,-]{0,30}\}[a-z]?|\{[a-z]{1,6},-[a-z]{1,6}\}[a-z])$|\{(?:"#,
            all_commands!(),
            r"),[^{}\s\x22:]{0,60}\}|\{/[a-z?*/]+,",
            r"[^{}\s:]{0,60}\}",
        ),
    ),
    rule(
        Rce,
        "alias",
        Strong,
        Scope::VALUE,
        &["alias "],
        r"(?:^|[;|&`\n])\s*(?:un)?alias\s+(?:[+-]\w+\+?\s+)*[\w.-]+=",
    ),
    rule(
        Rce,
        "powershell",
        Strong,
        Scope::ANY,
        &[
            "powershell",
            "pwsh",
            "invoke-",
            "iex(",
            "iex ",
            "downloadstring",
            "new-object",
            "iwr ",
            "irm ",
            "iwmi ",
            "icm ",
            "gwmi ",
            "gci ",
            "saps ",
            "get-item",
            "get-content",
            "get-process",
            "get-service",
            "get-wmi",
            "get-child",
            "get-ad",
            "get-acl",
            "get-mp",
            "get-host",
            "get-loc",
            "get-var",
            "get-file",
            "get-event",
            "get-cim",
            "get-exec",
            "get-local",
            "set-item",
            "set-content",
            "set-exec",
            "set-mp",
            "set-acl",
            "set-loc",
            "set-var",
            "set-service",
            "new-item",
            "new-service",
            "new-local",
            "new-psdrive",
            "start-process",
            "start-service",
            "stop-process",
            "stop-service",
            "out-file",
            "out-host",
            "add-content",
            "add-type",
            "remove-item",
            "copy-item",
            "move-item",
            "rename-item",
            "clear-",
            "import-module",
            "import-csv",
            "convertto-",
            "convertfrom-",
            "write-host",
            "write-file",
            "-encodedcommand",
            "add-local",
        ],
        r"\bpowershell(?:\.exe)?[\s\x22'\x5e]+[-/\w]|\bpwsh\s+-|\binvoke-(?:webrequest|expression|command|restmethod|item|wmimethod|cimmethod|mimikatz|shellcode|history|sqlcmd|asjob)\b|\biex\s*\(|downloadstring\s*\(|\bnew-object\s+(?:system\.)?net|(?:^|[;|&])\s*(?:iwr|irm|iwmi|icm|saps|spps|gwmi|gci|gc|sc)\s+(?:-|https?:)|\b(?:get|set|new|start|stop|out|add|remove|import|export|convertto|convertfrom|write|copy|move|rename|clear|test)-(?:item(?:property)?|content|process|service|object|wmiobject|ciminstance|childitem|file|host|location|location|variable|acl|eventlog|adcomputer|aduser|localuser|netfirewallrule|scheduledtask|executionpolicy|mppreference|securestring|module|psdrive|csv|json)\b|-encodedcommand\b",
    ),
    rule(
        Rce,
        "windows-command",
        Strong,
        Scope::ANY,
        &[
            "cmd/",
            "cmd ",
            "cmd.exe",
            "cmd,",
            "cmd;",
            "cmd^",
            "cmd'",
            "cmd\"",
            "net ",
            "net1 ",
            "%comspec%",
            "certutil",
            "bitsadmin",
            "rundll32",
            "regsvr32",
            "mshta",
            "wmic ",
            "reg ",
            "type ",
            "dir ",
            "copy ",
            "del ",
            "more ",
            "schtasks",
            "tasklist",
            "systemroot",
        ],
        r"\bcmd(?:\.exe)?[\s\x22'\x5e,;]*/[ckrsq]\b|\bnet1?\s+(?:user|localgroup|group|share|view|use|start|stop|accounts|session)\b(?:\s+[/\w]|\s*$)|%comspec%|%systemroot%|\bcertutil(?:\.exe)?\s+[-/]|\bbitsadmin\s+/|\brundll32(?:\.exe)?\s+\w|\bregsvr32\s+/|\bmshta\s+(?:http|javascript|vbscript)|\bwmic\s+(?:process|os|service|/)|\breg\s+(?:add|query|save|delete|export)\s+hk|(?:^|[;|&])\s*(?:type|dir|copy|del|more)\s+(?:[a-z]:\\|\\\\|%\w+%|/[a-z]\b|\.\.\\)|\bschtasks\s+/|\btasklist\b(?:\s+/|$)",
    ),
    rule(
        Rce,
        "batch-loop",
        Strong,
        Scope::VALUE,
        &["for "],
        r"\bfor\s+(?:/[dflr]\s+)*(?:(?:\x22[^\x22]{1,60}\x22|\\\x22[^\x22]{1,60}\x22|[a-z]:\\\S*|\S+)\s+)?%{1,2}\S{0,10}\s+in\s*\([^)]*\)*.{0,40}?do\b",
    ),
    rule(
        Rce,
        "batch-condition",
        Strong,
        Scope::VALUE,
        &["if ", "if(", "if/", "if\t"],
        concat!(
            r"(?:^|[;|&(\n])\s*if\s*(?:/i\s+)?(?:not\s+)?(?:(?:exist|defined|errorlevel|cmdextversion)\s+\S+\s*",
            r"(?:\(|\s@?(?:cmd|echo|goto|set|call|del|copy|exit|start|if|type|dir|md|mkdir|rd|ren|move|pause|ping|powershell|net|reg|cd|for)\b)",
            r"|.{1,60}?\s*(?:==+\s*\S+(?:\s+\S|$)|\s(?:equ|neq|lss|leq|gtr|geq)\s+\S))|\bif\s+(?:/i\s+)?(?:not\s+)?errorlevel\s+\d",
        ),
    ),
    rule(
        Rce,
        "mail-command",
        Strong,
        Scope::VALUE,
        &["\n", "\r"],
        r"[\r\n]\s*(?:mail\s+from\s*:|rcpt\s+to\s*:|ehlo\s+\S|helo\s+\S|auth\s+(?:login|plain)|starttls\s*$|data\s*$|quit\s*$|rset\s*$|noop\s*$|vrfy\s+\S|expn\s+\S|help\s+\S+\s*$|\w{1,8}\s+(?:examine|fetch|login|select|list|store|search|capability|append|copy|create|delete|logout|lsub|rename|status|subscribe|uid|noop|authenticate)\s+\S|(?:user|pass|retr|dele|apop)\s+\S+\s*(?:$|[\r\n])|(?:stat|uidl|list|capa)\s*$)",
    ),
    rule(
        Rce,
        "database-shell-command",
        Strong,
        Scope::ANY,
        &[
            ".shell",
            ". shell",
            ".system",
            ".databases",
            ".sh ",
            ".tables",
            ".dump",
            ".schema",
            ".read",
            ".import",
            ".output",
            ".load",
        ],
        r"(?:^|[;\n\x22'])\s*(?:\\n\s*)?\.\s*(?:shell|system|sh|databases|tables|dump|read|import|output|once|schema|load|backup|restore|open|save|excel|log|archive)(?:\s|\\n|$)",
    ),
    rule(
        Rce,
        "job-at-time",
        Sign,
        Scope::VALUE,
        &["at "],
        r"(?:^|[;|&`])\s*at\s+\d{1,2}:\d\d\s",
    ),
];
