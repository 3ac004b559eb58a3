library(ggplot2)
o1 <- read.csv("results/melt.csv")
ggplot(o1, aes(day, melt)) + geom_line()
