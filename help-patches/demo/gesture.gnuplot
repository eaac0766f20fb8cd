# The gesture demo: sensors in, parameters out, and what it sounds like.
load "style.gnuplot"
set output "gesture.png"
log = "gesture-log.txt"
set xrange [0:seconds]
set rmargin at screen 0.86
set key at screen 0.985,graph 0.95 right top vertical Left reverse samplen 1.5
set style line 1 lw 2.5 lc rgb "#2e86ab"
set style line 2 lw 2.5 lc rgb "#d1495b"
set style line 3 lw 2.5 lc rgb "#3a9d5d"
set style line 4 lw 2.5 lc rgb "#edae49"
set style line 5 lw 2.5 lc rgb "#8963ba"
time = "($0 * 0.005)"

set multiplot title "A gesture through [mlinfer mapping]" font title_font
set tmargin at screen 0.93
set bmargin at screen 0.73
set yrange [-0.03:1.03]
set ylabel "three sensors in"
plot log using @time:1 with lines ls 1 title "tilt", \
     log using @time:2 with lines ls 2 title "pressure", \
     log using @time:3 with lines ls 3 title "position"

set tmargin at screen 0.67
set bmargin at screen 0.44
set ylabel "five parameters out, of their ranges"
plot log using @time:(($4 - 36) / 48) with lines ls 3 title "pitch 36..84", \
     log using @time:5 with lines ls 1 title "brightness", \
     log using @time:($6 / 8) with lines ls 4 title "index 0..8", \
     log using @time:7 with lines ls 2 title "amplitude", \
     log using @time:8 with lines ls 5 title "vibrato"

set tmargin at screen 0.38
set bmargin at screen 0.07
set yrange [0:8]
set ylabel "kHz"
set xlabel "seconds" offset 0,0.6
set colorbox user origin 0.875,0.07 size 0.012,0.31
set cblabel "the sound, dB"
unset key
plot "gesture.matrix" @spectrum
unset multiplot
