# Scores each message whose path comes on standard input, with local tests and the shipped rules alone: "score<TAB>path".
use strict;
use warnings;
use Mail::SpamAssassin;

my $filter = Mail::SpamAssassin->new({ local_tests_only => 1, dont_copy_prefs => 1, userstate_dir => $ARGV[0] });
$filter->init(1);
while (my $path = <STDIN>) {
    chomp $path;
    open(my $file, '<:raw', $path) or die "cannot read $path: $!";
    local $/;
    my $message = $filter->parse(<$file>);
    my $status = $filter->check($message);
    printf "%s\t%s\n", $status->get_score(), $path;
    $status->finish();
    $message->finish();
}
