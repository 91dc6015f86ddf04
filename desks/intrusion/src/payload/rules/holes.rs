//! Known holes, by the shape of the request that uses them. Each names the advisory that describes it.

use crate::Class::KnownHole;
use crate::hit::Weight::{Sign, Strong};

use super::rule::{Rule, Scope, rule};

pub(super) const RULES: &[Rule] = &[
    // CVE-2021-41773, CVE-2021-42013 (Apache 2.4.49, 2.4.50): encoded dots behind an alias.
    rule(
        KnownHole,
        "cve-2021-41773",
        Strong,
        Scope::PATH,
        &["/cgi-bin/.", "/icons/."],
        r"/(?:cgi-bin|icons|assets|static)/(?:\.{2}/){2,}|/(?:cgi-bin|icons)/(?:\.%2e|%2e\.|%%32)",
    ),
    // CVE-2017-9841 (PHPUnit).
    rule(
        KnownHole,
        "cve-2017-9841",
        Strong,
        Scope::PATH,
        &["eval-stdin.php"],
        r"eval-stdin\.php",
    ),
    // CVE-2018-20062 (ThinkPHP).
    rule(
        KnownHole,
        "cve-2018-20062",
        Strong,
        Scope::TARGET,
        &["invokefunction", "think\\", "s=/index", "think/"],
        r"invokefunction|\\?think[\\/](?:app|request|template|container|module)",
    ),
    // CVE-2018-7600 (Drupal).
    rule(
        KnownHole,
        "cve-2018-7600",
        Strong,
        Scope::PARAMETER,
        &[
            "#post_render",
            "#markup",
            "#lazy_builder",
            "#pre_render",
            "#access_callback",
        ],
        r"\[#(?:post_render|pre_render|markup|lazy_builder|access_callback|type)\]|#(?:post_render|lazy_builder|pre_render)",
    ),
    // CVE-2018-10561 (GPON routers), CVE-2014-8361, CVE-2017-17215 and the router worms beside them.
    rule(
        KnownHole,
        "router-command",
        Strong,
        Scope::TARGET,
        &[
            "gponform/diag",
            "next_file=netgear",
            "setup.cgi",
            "/boaform/admin",
            "/shell?cd",
            "/goform/",
            "/apply.cgi",
            "/cgi-bin/luci",
            "/tmunblock.cgi",
            "/hndunblock.cgi",
            "/board.cgi",
            "/picsdesc.xml",
            "/hnap1",
            "/cgi-bin/nas_sharing",
            "/cgi-bin/viewlog.asp",
            "/device.rsp",
        ],
        r"gponform/diag_form|next_file=netgear\.cfg|/shell\?cd\+|/boaform/admin/form|/goform/(?:set_limitclient_cfg|sysToolReboot|formLogin|aspForm|mcr_)|/cgi-bin/luci/;stok|/(?:tm|hnd)unblock\.cgi|/board\.cgi\?cmd|/picsdesc\.xml|/nas_sharing\.cgi|/device\.rsp\?opt",
    ),
    // CVE-2021-34473 (Exchange, ProxyShell), CVE-2022-41040.
    rule(
        KnownHole,
        "cve-2021-34473",
        Strong,
        Scope::TARGET,
        &["autodiscover.json", "/ecp/", "/owa/auth/"],
        r"autodiscover\.json.*@|/autodiscover/autodiscover\.json\?.*powershell|/ecp/(?:\w{1,8}\.js|default\.flt|[\w.]+\.(?:js|css))$|/owa/auth/(?:x\.js|\w+\.aspx\?.*(?:cmd|exec))",
    ),
    // CVE-2020-5902, CVE-2022-1388 (F5).
    rule(
        KnownHole,
        "cve-2020-5902",
        Strong,
        Scope::TARGET,
        &["/tmui/", "/mgmt/tm/util/bash", "/mgmt/shared"],
        r"/tmui/login\.jsp/\.\.;|/tmui/.*(?:fileread|tmshcmd|workspace)|/mgmt/tm/util/bash|/mgmt/shared/authn",
    ),
    // CVE-2019-19781, CVE-2023-3519 (Citrix).
    rule(
        KnownHole,
        "cve-2019-19781",
        Strong,
        Scope::PATH,
        &["/vpns/", "/vpn/../", "/gwtest/formssso"],
        r"/vpn/\.\./vpns|/vpns/(?:portal/scripts|cfg|\.\.)|/gwtest/formssso",
    ),
    // CVE-2019-11510 (Pulse Secure), CVE-2024-21887 and CVE-2025-0282 (Ivanti).
    rule(
        KnownHole,
        "cve-2019-11510",
        Strong,
        Scope::PATH,
        &["/dana-na/", "/dana/", "/api/v1/totp/"],
        r"/dana-na/\.\./|/dana/html5acc/|/api/v1/totp/user-backup-code/\.\./|/dana-na/auth/saml-\w+\.cgi|/dana-na/(?:\w+/)*(?:querymanifest|meeting_testjs)\.cgi",
    ),
    // CVE-2018-13379, CVE-2022-40684 (Fortinet).
    rule(
        KnownHole,
        "cve-2018-13379",
        Strong,
        Scope::TARGET,
        &[
            "/remote/fgt_lang",
            "/remote/hostcheck",
            "/api/v2/cmdb/system/admin",
            "sslvpn_websession",
        ],
        r"/remote/fgt_lang\?.*(?:\.\./|/dev/)|sslvpn_websession|/api/v2/cmdb/system/admin",
    ),
    // CVE-2021-26084, CVE-2022-26134, CVE-2023-22515 (Confluence).
    rule(
        KnownHole,
        "cve-2022-26134",
        Strong,
        Scope::TARGET,
        &[
            "createpage-entervariables",
            "doenterpagevariables",
            "/setup/setupadministrator",
            "bootstrapstatusprovider",
            "/server-info.action",
        ],
        r"createpage-entervariables\.action|doenterpagevariables\.action|/setup/setupadministrator\.action|bootstrapstatusprovider",
    ),
    // CVE-2022-22965 (Spring), CVE-2022-22947.
    rule(
        KnownHole,
        "cve-2022-22965",
        Strong,
        Scope::PARAMETER,
        &["class.module", "class['module']", "class[module]"],
        r"class(?:\.|\[')module",
    ),
    rule(
        KnownHole,
        "cve-2022-22947",
        Strong,
        Scope::PATH,
        &[
            "/actuator/gateway/routes",
            "/actuator/env",
            "/actuator/heapdump",
            "/jolokia",
        ],
        r"/actuator/(?:gateway/routes|heapdump|env|jolokia)|/jolokia/(?:exec|read|list|write)",
    ),
    // CVE-2017-10271, CVE-2019-2725, CVE-2020-14882 (WebLogic).
    rule(
        KnownHole,
        "cve-2020-14882",
        Strong,
        Scope::PATH,
        &["/wls-wsat/", "/_async/", "/console/css/", "/console/images/"],
        r"/wls-wsat/\w|/_async/async\w+|/console/(?:css|images)/.*(?:\.\./|console\.portal)",
    ),
    // CVE-2017-12149 (JBoss), CVE-2010-0738.
    rule(
        KnownHole,
        "cve-2017-12149",
        Strong,
        Scope::PATH,
        &["/invoker/", "jmx-console/htmladaptor", "/jbossws"],
        r"/invoker/(?:readonly|jmxinvokerservlet|ejbinvokerservlet)|/jmx-console/htmladaptor",
    ),
    // CVE-2018-1000861 (Jenkins), CVE-2024-23897.
    rule(
        KnownHole,
        "cve-2018-1000861",
        Strong,
        Scope::PATH,
        &["/descriptorbyname/", "/securityrealm/"],
        r"/securityrealm/user/\w+/descriptorbyname|checkscript",
    ),
    // CVE-2021-3129 (Laravel Ignition).
    rule(
        KnownHole,
        "cve-2021-3129",
        Strong,
        Scope::PATH,
        &["_ignition/execute-solution"],
        r"_ignition/execute-solution",
    ),
    // CVE-2019-16759, CVE-2020-17496 (vBulletin).
    rule(
        KnownHole,
        "cve-2019-16759",
        Strong,
        Scope::TARGET,
        &["widget_php", "widget_tabbedcontainer", "ajax/api/hook"],
        r"widget_(?:php|tabbedcontainer_tab_panel)|ajax/api/hook/decodearguments",
    ),
    // CVE-2023-34362 (MOVEit), CVE-2021-27101 (Accellion), CVE-2023-0669 (GoAnywhere).
    rule(
        KnownHole,
        "file-transfer-server",
        Strong,
        Scope::TARGET,
        &[
            "moveitisapi",
            "/guestaccess.aspx",
            "/courier/",
            "document_root.html",
            "/goanywhere/lic",
            "/human.aspx",
        ],
        r"moveitisapi\.dll\?action=m2|/courier/(?:document_root\.html|sftp_account_edit\.php|oauth\.api|about\.html\?.*aid)|/goanywhere/lic/accept",
    ),
    // CVE-2017-11317, CVE-2019-18935 (Telerik).
    rule(
        KnownHole,
        "cve-2019-18935",
        Strong,
        Scope::TARGET,
        &["telerik.web.ui"],
        r"telerik\.web\.ui\.webresource\.axd\?type=rau|telerik\.web\.ui\.dialoghandler\.aspx",
    ),
    // CVE-2024-1709 (ScreenConnect).
    rule(
        KnownHole,
        "cve-2024-1709",
        Strong,
        Scope::PATH,
        &["setupwizard.aspx/"],
        r"/setupwizard\.aspx/",
    ),
    // CVE-2024-3400, CVE-2024-0012, CVE-2017-15944 (PAN-OS).
    rule(
        KnownHole,
        "cve-2024-3400",
        Strong,
        Scope::PATH,
        &[
            "/ssl-vpn/hipreport.esp",
            "createremoteappwebsession",
            "/php/ztp_gate.php",
            "/esp/cms_changedevicecontext",
        ],
        r"/ssl-vpn/hipreport\.esp|createremoteappwebsession\.php|/php/ztp_gate\.php/|cms_changedevicecontext\.esp",
    ),
    // CVE-2010-2861, CVE-2023-26360 (ColdFusion).
    rule(
        KnownHole,
        "cve-2023-26360",
        Strong,
        Scope::PATH,
        &["cfide/", "cf_scripts/"],
        r"/cfide/(?:administrator/enter\.cfm|adminapi|componentutils|wizards|main/ide)|/cf_scripts/scripts/ajax/ckeditor.*upload",
    ),
    // CVE-2014-6271 (bash) in a header.
    rule(
        KnownHole,
        "cve-2014-6271",
        Strong,
        Scope(4 | 8),
        &["() {", "(){"],
        r"\(\)\s*\{\s*(?::;|\w*\s*:?;?|_;)\s*\}?\s*;?",
    ),
    // CVE-2017-5638, CVE-2018-11776 (Struts).
    rule(
        KnownHole,
        "cve-2017-5638",
        Strong,
        Scope::ANY,
        &[
            "%{(#",
            "%{#",
            "${(#",
            "#_memberaccess",
            "redirect:${",
            "redirectaction:",
            "action:${",
            "method:#",
        ],
        r"[%$]\{\(?#\w|#_memberaccess|\b(?:redirect|redirectaction|action):[%$]\{|method:#",
    ),
    // CVE-2015-1635 and short names of IIS (CVE-less, Soroush Dalili 2012).
    rule(
        KnownHole,
        "iis-short-name",
        Strong,
        Scope::PATH,
        &["*~1*", "~1/a.aspx", "*~"],
        r"\*~\d",
    ),
    // CVE-2022-0543 and others: open stores.
    rule(
        KnownHole,
        "open-store",
        Strong,
        Scope::TARGET,
        &[
            "/solr/admin/cores",
            "/_search?source",
            "/_cat/indices",
            "/ws/v1/cluster/apps/new",
            "/containers/json",
            "/solr/",
            "/v1/submissions",
            "/geoserver/",
        ],
        r"/solr/(?:admin/cores|\w+/(?:dataimport|config|select).*(?:stream\.|dataconfig|velocity))|/_search\?source=.*script|/ws/v1/cluster/apps/new-application|/containers/(?:json|create)|/v1/submissions/create|/geoserver/.*(?:exec\(|valuereference=)",
    ),
    // Zyxel, SonicWall, VMware, Zimbra, ManageEngine: paths that nothing links to.
    rule(
        KnownHole,
        "gateway-hole",
        Strong,
        Scope::TARGET,
        &[
            "/ztp/cgi-bin/handler",
            "/__api__/v1/logon",
            "/cgi-bin/jarrewrite.sh",
            "/ui/vropspluginui",
            "/analytics/telemetry",
            "/catalog-portal/ui/oauth",
            "/service/extension/backup/mboximport",
            "/autodiscover/..",
            "/restapi/logonpermission",
            "/public/launchnewwindow.jsp",
            "/nagiosxi/",
            "/webtools/control/",
            "/cgi-bin/supportinstaller",
            "/samlserver",
            "/mifs/",
            "/lib/crud/userprocess",
        ],
        r"/ztp/cgi-bin/handler|/cgi-bin/jarrewrite\.sh|/ui/vropspluginui/|/analytics/telemetry/ph/api|/catalog-portal/ui/oauth/verify|/service/extension/backup/mboximport|/webtools/control/(?:xmlrpc|\w+;/|\w+/%2e)|/mifs/(?:aad/)?api/v2|/mifs/\.;/|/lib/crud/userprocess",
    ),
    // Open proxies and worms of old.
    rule(
        KnownHole,
        "worm",
        Strong,
        Scope::TARGET,
        &[
            "default.ida",
            "/scripts/root.exe",
            "/msadc/",
            "/_vti_bin/owssvr",
            "cmd.exe",
            "root.exe",
        ],
        r"/default\.ida\?[nx]{20}|/scripts/(?:root|\.\.).*\.exe|/msadc/.*(?:root|cmd)\.exe|/(?:winnt|windows)/system32/cmd\.exe",
    ),
    rule(
        KnownHole,
        "php-cgi-argument",
        Strong,
        Scope::TARGET,
        &[
            "allow_url_include",
            "auto_prepend_file",
            "-d+allow",
            "-d allow",
            "%add",
            "-s",
        ],
        r"(?:^|[?&])(?:-|\xad)d[\s+=]*(?:allow_url_include|auto_prepend_file|safe_mode|cgi\.)|-d\s*allow_url_include|^-s$",
    ),
    rule(
        KnownHole,
        "plugin-upload",
        Sign,
        Scope::TARGET,
        &[
            "revslider",
            "/wp-file-manager/",
            "/elfinder/",
            "/kcfinder/",
            "/fckeditor/",
            "/ckfinder/",
            "uploadify",
            "jquery-file-upload",
            "action=revslider",
            "timthumb",
        ],
        r"action=revslider_show_image|wp-file-manager/.*connector|/elfinder/.*connector|/kcfinder/(?:upload|browse)\.php|/fckeditor/editor/filemanager|/ckfinder/core/connector|/uploadify\.php|/jquery-file-upload/server/php|timthumb\.php",
    ),
];
