# What both pictures share. From outside: frames, and skip, the bytes before the
# samples in a WAV.
set terminal pngcairo noenhanced size 1400,1050 font "DejaVu Sans,11"
rate = 48000.0
seconds = frames / rate
title_font = "DejaVu Sans,15"
set border 3 lc "#444444"
set tics nomirror out scale 0.5
set lmargin at screen 0.065
set rmargin at screen 0.975
set palette defined (0 "#000004", 1 "#420a68", 2 "#932667", 3 "#dd513a", \
                     4 "#fca50a", 5 "#fcffa4")
set cbrange [-90:0]

# plot "x.wav" @wav
wav = "binary skip=skip array=(frames) dx=(1 / rate) format='%float' " . \
      "endian=little using 1 with lines"
# plot "x.matrix" @spectrum: rows of 513 powers every 512 samples; a full scale
# sine through spectrum.pd has a power of 256 squared.
spectrum = "matrix using ($2 * 512 / rate):($1 * rate / 1024000):" . \
           "(10 * log10($3 / 65536 + 1e-12)) with image"
