# The drive demo: waveforms, a closer look, and spectra over time, before and
# after. From outside as style.gnuplot says, and from: the second at which the
# closer look begins.
load "style.gnuplot"
set output "drive.png"
grey = "#8d99ae"
red = "#d1495b"

set multiplot title "A recorded voice through [mlinfer~ drive]" font title_font
set key top right horizontal

set tmargin at screen 0.93
set bmargin at screen 0.745
set xrange [0:seconds]
set yrange [-1:1]
set ytics 0.5
set ylabel "full scale"
set xlabel "seconds" offset 0,0.6
plot "drive-after.wav" @wav lc rgb red title "after", \
     "drive-before.wav" @wav lc rgb grey title "before"

set tmargin at screen 0.665
set bmargin at screen 0.475
set xrange [from:from + 0.03]
set xlabel "seconds: 30 ms of it" offset 0,0.6
plot "drive-before.wav" @wav lw 2 lc rgb grey title "before", \
     "drive-after.wav" @wav lw 2 lc rgb red title "after"

set tmargin at screen 0.395
set bmargin at screen 0.07
set xrange [0:seconds]
set yrange [0:12]
unset key
set ytics 2
set xlabel "seconds" offset 0,0.6
set ylabel "kHz"
set rmargin at screen 0.49
unset colorbox
set label 1 "before" at graph 0.03,0.93 textcolor "white" font ",13" front
plot "drive-before.matrix" @spectrum
set lmargin at screen 0.525
set rmargin at screen 0.93
set colorbox user origin 0.94,0.07 size 0.012,0.325
set cblabel "dB"
unset ylabel
set label 1 "after"
plot "drive-after.matrix" @spectrum
unset multiplot
